"""The first dimension: fixed when a network was captured, or left open."""

from __future__ import annotations

import onnx_ir as ir
import torch

from ..errors import ModelError
from .quiet import quiet

__all__ = ["name_batch", "with_open_batch"]


def with_open_batch(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """The same network for any number of samples: captured again where it was captured for a fixed number.

    Raises ModelError if the network itself holds to the number it was captured with.
    """
    if _is_open(program):
        return program
    arguments, keywords = program.example_inputs or ((), {})
    if keywords or not arguments:
        raise _held("its example inputs are not positional tensors")
    two = tuple(torch.cat([value[:1], value[:1]]) for value in arguments)
    axes = ({0: torch.export.Dim("batch")},) * len(two)
    try:
        with quiet(), torch.no_grad():
            opened = torch.export.export(program.module(check_guards=False), two, dynamic_shapes=axes)
    except Exception as error:
        raise _held(next(iter(str(error).splitlines()), type(error).__name__)) from error
    if not _is_open(opened):
        raise _held("its outputs have a fixed first dimension")
    return opened


def name_batch(model: ir.Model, batch: int | str) -> ir.Model:
    """Call every open first dimension `batch`, or make it that number. Changes `model` and returns it."""
    graph = model.graph
    opened = {str(value.shape[0]) for value in graph.inputs if value.shape and not isinstance(value.shape[0], int)}
    for value in (*graph.inputs, *(output for node in graph for output in node.outputs)):
        if value.shape is not None:
            value.shape = ir.Shape([batch if str(size) in opened else size for size in value.shape])
    return model


def _is_open(program: torch.export.ExportedProgram) -> bool:
    """Whether every input and output has a first dimension of any size."""
    user_inputs = set(program.graph_signature.user_inputs)
    inputs = [node for node in program.graph.nodes if node.op == "placeholder" and node.name in user_inputs]
    outputs = [result for result in program.graph.output_node().args[0] if isinstance(result, torch.fx.Node)]
    shapes = [node.meta["val"].shape for node in (*inputs, *outputs)]
    return all(shape and isinstance(shape[0], torch.SymInt) for shape in shapes)


def _held(reason: str) -> ModelError:
    return ModelError(
        "export to ONNX",
        f"the network cannot take a batch of any size ({reason})",
        hint="capture it with an open first dimension (torch.export.Dim), or export with a fixed batch",
    )
