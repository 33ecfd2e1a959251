"""A captured torch network → float ONNX in canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnx_ir as ir
import torch

from ..graph.load import save_graph
from ..graph.passes import canonicalize
from .aten import lower
from .batch import name_batch, with_open_batch

__all__ = ["torch_to_onnx"]


def torch_to_onnx(
    program: torch.export.ExportedProgram,
    destination: Path,
    *,
    metadata: Mapping[str, str],
    dynamic_batch: bool = False,
) -> None:
    """Write `program` as ONNX: canonical (batch normalisation and zero padding folded), weights inside the file.

    metadata: `metadata_props` by key. dynamic_batch: the first dimension of each input is called "batch" and may have
    any size; otherwise it is what the program was captured with, 1 where that was left open. Names: one input is
    "input", several keep those of `forward`; one output is "logits" where it is [N, classes], otherwise "output";
    several are "output_0", …. The same program gives the same bytes. Outputs as near to the exact ones as torch's own,
    about 1e-5 of the largest. Raises ModelError for what cannot be exported, OutputError for what cannot be written.
    """
    model = to_graph(program, dynamic_batch=dynamic_batch)
    model.metadata_props.update(metadata)
    save_graph(model, destination)


def to_graph(program: torch.export.ExportedProgram, *, dynamic_batch: bool = False) -> ir.Model:
    """What `torch_to_onnx` writes, without metadata."""
    batch = "batch" if dynamic_batch else 1
    program = with_open_batch(program) if dynamic_batch else program
    model = lower(program, batch)
    if model is None:
        from .torch_exporter import export_by_torch

        model = name_batch(export_by_torch(program), batch)
    _name_ends(model.graph)
    return canonicalize(model)


def _name_ends(graph: ir.Graph) -> None:
    """Names that do not depend on how the network was written; a value that has one already gives way."""
    wanted = dict(zip(graph.outputs, _output_names(graph), strict=True))
    if len(graph.inputs) == 1:
        wanted[graph.inputs[0]] = "input"
    values = [*graph.inputs, *(value for node in graph for value in node.outputs)]
    for value in values:
        if value not in wanted and value.name in wanted.values():
            value.name = f"{value.name}_"
    for value, name in wanted.items():
        value.name = name


def _output_names(graph: ir.Graph) -> list[str]:
    if len(graph.outputs) > 1:
        return [f"output_{index}" for index in range(len(graph.outputs))]
    shape = graph.outputs[0].shape
    return ["logits" if shape is not None and len(shape) == 2 else "output"]
