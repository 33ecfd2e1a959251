"""torch's own exporter to ONNX, kept quiet: for networks with ops that `aten_ops` does not know."""

from __future__ import annotations

from typing import cast

import onnx_ir as ir
import torch

from ..errors import ModelError
from .quiet import quiet

__all__ = ["export_by_torch"]


def export_by_torch(program: torch.export.ExportedProgram) -> ir.Model:
    """The graph of `program`. Raises ModelError naming what torch cannot translate."""
    try:
        with quiet():
            exported = torch.onnx.export(program, dynamo=True, optimize=True, external_data=False, verbose=False)
    except torch.onnx.errors.OnnxExporterError as error:
        raise ModelError("export to ONNX", f"torch cannot translate the network: {_cause(error)}") from error
    model = cast(torch.onnx.ONNXProgram, exported).model
    _forget_origins(model)
    return model


def _cause(error: BaseException) -> str:
    """First line of the innermost cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _forget_origins(model: ir.Model) -> None:
    """Drop torch's notes on where a node came from: stack traces name this machine's folders."""
    graph = model.graph
    model.metadata_props.clear()
    graph.metadata_props.clear()
    for value in (*graph.inputs, *graph.initializers.values()):
        value.metadata_props.clear()
    for node in graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()
