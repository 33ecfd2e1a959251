"""From a graph to a TFLite program: steps, rows, refusals, layouts, then one lowering after the other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import onnx_ir as ir

from ...errors import Refusal

# The families fill the op table when they are imported.
from . import (
    activation,
    conv,
    elementwise,
    fully_connected,
    pool,
    quantize,
    reshape,
    resize,
    slicing,
    transposed,
    volume,
)
from .layout import Touch, assign, channels_last
from .program import Program
from .rows import Row, choose
from .site import Quantized, Site, constant, dims
from .steps import steps
from .tidy import tidy
from .writer import Io, Writer

__all__ = ["FAMILIES", "LAYOUTS_KEY", "METADATA_PREFIX", "Planned", "lower", "plan"]

FAMILIES = (
    activation,
    conv,
    elementwise,
    fully_connected,
    pool,
    quantize,
    reshape,
    resize,
    slicing,
    transposed,
    volume,
)
"""Modules whose rows make up the op table."""
METADATA_PREFIX = "sepia."
LAYOUTS_KEY = "sepia.layouts"
"""Metadata: JSON of input and output name → "NHWC", or "as is" for what keeps ONNX's order of axes."""

_DTYPES = {ir.DataType.FLOAT}


@dataclass(frozen=True)
class Planned:
    """A site with the row that lowers it; `site.int8` is settled."""

    site: Site
    row: Row


def plan(quantized: Quantized) -> tuple[list[Planned], list[Refusal]]:
    """Every step with its row, and every refusal of the graph: of its ends, then of its nodes in order."""
    planned: list[Planned] = []
    refusals = _ends(quantized)
    for site in steps(quantized):
        row = choose(site)
        if isinstance(row, Refusal):
            refusals.append(row)
        else:
            planned.append(Planned(replace(site, int8=row.runs_in_int8(site)), row))
    return planned, refusals


def _ends(quantized: Quantized) -> list[Refusal]:
    """Inputs and outputs that are not float32, and values whose codes TFLite can't hold."""
    graph = quantized.model.graph
    refusals = [
        Refusal(value.name or "", what, f"holds {str(value.dtype).lower()}", "TFLite files here take float32")
        for what, values in (("graph input", graph.inputs), ("graph output", graph.outputs))
        for value in values
        if value.dtype not in _DTYPES
    ]
    constants = set(graph.initializers)
    for name, params in quantized.params.items():
        if name not in constants and params.per_channel:
            hint = "quantise activations per tensor"
            refusals.append(Refusal(name, "activation", "has scales per channel; TFLite takes one a tensor", hint))
    return refusals


def lower(quantized: Quantized, planned: Sequence[Planned], io: Io) -> Program:
    """The program of a graph that nothing refuses."""
    graph = quantized.model.graph
    ends = [value for value in graph.inputs if not _read_as_channels_last(value)]
    ends += [value for value in graph.outputs if not _made_as_channels_last(value)]
    layouts = assign((_touch(each) for each in planned), ends)
    write = Writer(quantized, layouts, io)
    for value in graph.inputs:
        write.graph_input(value)
    for each in planned:
        each.row.lower(each.site, write)
    for value in graph.outputs:
        write.graph_output(value)
    program = write.program
    tidy(program)
    _name_ends(program)
    program.metadata = _metadata(quantized, write)
    return program


def _read_as_channels_last(value: ir.Value) -> bool:
    """An input [N, H, W, C] that the network turns to [N, C, H, W] before anything else: it is in TFLite's order."""
    uses = list(value.uses())
    return bool(uses) and all(
        (use.node.op_type == "Transpose" and list(use.node.attributes.get_ints("perm", [])) == [0, 3, 1, 2])
        or (use.node.op_type == "Pad" and _read_as_channels_last(use.node.outputs[0]))
        for use in uses
    )


def _made_as_channels_last(value: ir.Value) -> bool:
    """An output that the network turns to [N, H, W, C] as the last thing."""
    node = value.producer()
    order = [] if node is None or node.op_type != "Transpose" else node.attributes.get_ints("perm", [])
    return list(order) == [0, 2, 3, 1]


def _touch(planned: Planned) -> Touch:
    site, row = planned.site, planned.row
    read = [value for value in site.node.inputs[: row.data] if value is not None and constant(value) is None]
    return Touch(row.layout, (*read, *site.outputs))


def _name_ends(program: Program) -> None:
    """Inputs and outputs get exactly ONNX's names; a tensor inside that bore one gets a suffix."""
    by_name = {tensor.name: tensor for tensor in program.tensors()}
    for name, tensor in (*program.inputs.items(), *program.outputs.items()):
        other = by_name.get(name)
        if other is tensor:
            continue
        if other is not None:
            suffix = "quantized" if other.dtype == "int8" else "inside"
            other.name = program.free_name(f"{name}_{suffix}")
            by_name[other.name] = other
        if by_name.get(tensor.name) is tensor:
            del by_name[tensor.name]  # else an output of that name would take it for one inside
        tensor.name = name
        by_name[name] = tensor


def _metadata(quantized: Quantized, write: Writer) -> dict[str, str]:
    """Sepia's entries of the ONNX file, and the layouts of the ends."""
    graph = quantized.model.graph
    found = {key: value for key, value in quantized.model.metadata_props.items() if key.startswith(METADATA_PREFIX)}
    ends = {
        value.name: "NHWC" if len(dims(value)) == 4 and write.end(value) == channels_last(4) else "as is"
        for value in (*graph.inputs, *graph.outputs)
    }
    return {**found, LAYOUTS_KEY: json.dumps(ends, sort_keys=True)}
