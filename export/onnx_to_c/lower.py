"""From a quantised graph to a listing: steps, rows, refusals, then one call after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from ...errors import Refusal
from ..onnx_to_tflite.site import Quantized, Site
from ..onnx_to_tflite.steps import steps

# The families fill the op table when they are imported.
from . import conv, dense, elementwise, moves, pool, softmax, tables
from .ends import End, give_output, take_input
from .listing import Listing, sizes
from .rows import ROWS, Row, choose

__all__ = ["FAMILIES", "Planned", "lower", "plan"]

FAMILIES = (conv, dense, elementwise, moves, pool, softmax, tables)
"""Modules whose rows make up the op table."""


@dataclass(frozen=True)
class Planned:
    """A site with the row that lowers it."""

    site: Site
    row: Row


def plan(quantized: Quantized) -> tuple[list[Planned], list[Refusal]]:
    """Every step with its row, and every refusal: of the graph's ends, then of its nodes in order."""
    planned: list[Planned] = []
    refusals = _ends(quantized)
    for site in steps(quantized, lambda op: any(row.fuses for row in ROWS.get(op, ()))):
        row = choose(site)
        if isinstance(row, Refusal):
            refusals.append(row)
        else:
            planned.append(Planned(site, row))
    return planned, refusals


def _ends(quantized: Quantized) -> list[Refusal]:
    graph = quantized.model.graph
    found = []
    for what, values in (("graph input", graph.inputs), ("graph output", graph.outputs)):
        for value in values:
            reason, hint = _refused(value, quantized)
            if reason:
                found.append(Refusal(value.name or "", what, reason, hint))
    return found


def _refused(value: ir.Value, quantized: Quantized) -> tuple[str, str]:
    params = quantized.params.get(value.name or "")
    if value.dtype != ir.DataType.FLOAT:
        return f"holds {str(value.dtype).lower()}", "the C program takes float32"
    if params is None or params.per_channel:
        return "is not held as codes of one scale", "quantise the network, its inputs and outputs too"
    if sizes(value) and len(sizes(value)) >= 3 and sizes(value)[0] > 1:
        return f"has a batch of {sizes(value)[0]}", "the C program takes one sample after another: export with batch 1"
    return "", ""


def lower(quantized: Quantized, planned: Sequence[Planned]) -> tuple[Listing, tuple[End, ...], tuple[End, ...]]:
    """The listing of a graph that nothing refuses, and where its inputs and outputs lie."""
    write = Listing(quantized)
    graph = quantized.model.graph
    inputs = take_input(write, graph.inputs)
    for each in planned:
        each.row.lower(each.site, write)
    return write, inputs, give_output(write, graph.outputs)
