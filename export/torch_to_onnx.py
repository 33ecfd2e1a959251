"""A captured torch network → float ONNX, through torch's own exporter."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import onnx_ir as ir
import torch

from ..errors import ModelError
from ..files import replacing

__all__ = ["torch_to_onnx"]


def torch_to_onnx(
    program: torch.export.ExportedProgram,
    destination: Path,
    *,
    metadata: Mapping[str, str],
    dynamic_batch: bool = False,
) -> None:
    """Write `program` as ONNX, batch normalisation folded, weights inside the file.

    metadata: `metadata_props` by key. dynamic_batch: the first dimension of each input is called "batch" and may have
    any size; otherwise it is what the program was captured with, 1 where that was any. Names: one input is "input",
    several keep those of `forward`; one output is "logits" where it is [N, classes], otherwise "output"; several are
    "output_0", …. Raises ModelError for what cannot be exported, OutputError for what cannot be written.
    """
    model = _translate(program)
    _name_ends(model)
    _forget_origins(model)
    model.metadata_props.update(metadata)
    with replacing(destination) as partial:
        ir.save(model, partial)


def _translate(program: torch.export.ExportedProgram) -> ir.Model:
    try:
        with _silenced():
            exported = torch.onnx.export(program, dynamo=True, optimize=True, external_data=False, verbose=False)
    except torch.onnx.errors.OnnxExporterError as error:
        raise ModelError("export to ONNX", f"torch cannot translate the network: {_cause(error)}") from error
    return cast(torch.onnx.ONNXProgram, exported).model


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _name_ends(model: ir.Model) -> None:
    inputs, outputs = model.graph.inputs, model.graph.outputs
    if len(inputs) == 1:
        inputs[0].name = "input"
    if len(outputs) == 1:
        shape = outputs[0].shape
        outputs[0].name = "logits" if shape is not None and len(shape) == 2 else "output"
        return
    for index, value in enumerate(outputs):
        value.name = f"output_{index}"


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


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Keep torch's and onnxscript's prints, warnings and log lines (torchvision not installed, …) to themselves."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
