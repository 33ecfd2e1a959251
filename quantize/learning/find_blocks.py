"""Where a network falls into blocks that may be reconstructed one after another.

An *articulation value* is one that all of the network after it depends on and nothing else: while it waits to be read,
no other value does. Between two of them lies a piece with one way in and one way out. A piece of a separable network
that belongs together, an inverted residual, goes from one narrow articulation value to the next; its wide ones inside
are articulation values too where it has no shortcut. BRECQ (Li et al. 2021, arXiv:2102.05426, section 3.2) takes its
blocks from the code of each network; here the graph's structure tells them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from ..placement import Placement

__all__ = ["Block", "find_blocks"]

_MOST_LAYERS = 6
"""Layers that one block has at most, where there is an articulation value to cut it at: an inverted residual has three,
with squeeze and excite five, a bottleneck with a convolution on its shortcut four."""


@dataclass(frozen=True)
class Block:
    """A piece of the network. inputs: the values that it reads, outputs: those that are read after it or given out.

    layers: names of its layers with weights, in execution order; at least one. values: those with a grid that it makes.
    One articulation value is between two neighbours, so `inputs` and `outputs` are one value each, but at the network's
    own ends and where a value inside is given out too.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    layers: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True)
class _Cut:
    """An articulation value. node: index of the node that makes it. closes: two or more values waited before it."""

    node: int
    value: str
    width: int
    closes: bool
    depthwise: bool


def find_blocks(model: ir.Model, placement: Placement) -> tuple[Block, ...]:
    """The blocks of a canonical float model, in execution order; together they hold each layer once.

    A block ends at an articulation value with a grid that the next one does not narrow further, and that either is
    narrower than the one before or closes a shortcut. A longer run without one (a network whose width only grows) is
    cut after a layer that is not depthwise, so that a depthwise layer stays with its pointwise one. With several inputs
    or outputs, the pieces before they meet or after they part are one block each.
    """
    nodes = list(model.graph)
    names = {layer.name for layer in placement.layers}
    cuts = _articulations(model, placement)
    at = [number for number, node in enumerate(nodes) if node.name in names]
    end = min((_width(value) for value in model.graph.outputs), default=0)
    chosen = _cut_long([-1, *_narrow(cuts, end), len(nodes) - 1], cuts, at)
    value_at = {cut.node: cut.value for cut in cuts}
    grids = _with_grids(placement)
    blocks = []
    for start, end in _with_layers(chosen, at):
        inputs = (value_at[start],) if start in value_at else _names(model.graph.inputs)
        outputs = (value_at[end],) if end in value_at else ()
        inside = nodes[start + 1 : end + 1]
        outputs = tuple(dict.fromkeys((*outputs, *_given_out(model, inside))))
        layers = tuple(node.name or "" for node in inside if node.name in names)
        made = _names([value for node in inside for value in node.outputs])
        blocks.append(Block(inputs, outputs, layers, tuple(name for name in made if name in grids)))
    return tuple(blocks)


def _with_layers(ends: Sequence[int], layers: Sequence[int]) -> list[tuple[int, int]]:
    """(start, end) of the pieces; one without weights goes with the next one, at the very end with the last."""
    pieces: list[tuple[int, int]] = []
    start = ends[0]
    for end in ends[1:]:
        if any(start < number <= end for number in layers):
            pieces.append((start, end))
            start = end
    return [*pieces[:-1], (pieces[-1][0], ends[-1])] if pieces else []


def _articulations(model: ir.Model, placement: Placement) -> list[_Cut]:
    """Those with a grid, in order, in the graph's own order of nodes."""
    nodes = list(model.graph)
    grids = _with_grids(placement)
    index = {node: number for number, node in enumerate(nodes)}
    last_use = {
        value: max((index[node] for node in value.consumers() if node in index), default=-1)
        for value in [*model.graph.inputs, *(value for node in nodes for value in node.outputs)]
    }
    kinds = {layer.output: str(layer.kind) for layer in placement.layers}
    live = {value for value in model.graph.inputs if last_use[value] >= 0}
    closes, found = len(live) > 1, []
    for number, node in enumerate(nodes):
        live = {value for value in live if last_use[value] > number}
        live |= {value for value in node.outputs if last_use[value] > number}
        if len(live) != 1:
            closes = closes or len(live) > 1
            continue
        (value,) = live
        if value.name in grids and value in node.outputs:
            found.append(_Cut(number, value.name or "", _width(value), closes, kinds.get(value.name) == "depthwise"))
            closes = False
    return found


def _narrow(cuts: Sequence[_Cut], end: int) -> list[int]:
    """Nodes of the cuts that end a block by their widths. end: width of the network's output."""
    chosen = []
    widths = [cut.width for cut in cuts] + [end]
    for number, cut in enumerate(cuts):
        narrowed = number > 0 and widths[number - 1] > cut.width
        if widths[number + 1] >= cut.width and (narrowed or cut.closes):
            chosen.append(cut.node)
    return chosen


def _cut_long(ends: Sequence[int], cuts: Sequence[_Cut], layers: Sequence[int]) -> list[int]:
    """`ends` and further ones, so that pieces have at most `_MOST_LAYERS` layers wherever that is possible."""
    found = [ends[0]]
    for end in ends[1:]:
        while sum(found[-1] < number <= end for number in layers) > _MOST_LAYERS:
            inside = [cut for cut in cuts if found[-1] < cut.node < end and not cut.depthwise]
            sizes = {cut.node: sum(found[-1] < number <= cut.node for number in layers) for cut in inside}
            fitting = [node for node, size in sizes.items() if 0 < size <= _MOST_LAYERS]
            longer = [node for node, size in sizes.items() if size > _MOST_LAYERS]
            if not fitting and not longer:
                break
            found.append(max(fitting) if fitting else min(longer))
        if end > found[-1]:
            found.append(end)
    return found


def _with_grids(placement: Placement) -> set[str]:
    return {name for group in placement.groups for name in group.values} - placement.constants


def _given_out(model: ir.Model, nodes: Sequence[ir.Node]) -> tuple[str, ...]:
    """Float outputs of the network that these nodes make."""
    made = {value for node in nodes for value in node.outputs}
    return _names([value for value in model.graph.outputs if value in made and value.dtype == ir.DataType.FLOAT])


def _names(values: Sequence[ir.Value]) -> tuple[str, ...]:
    return tuple(value.name or "" for value in values)


def _width(value: ir.Value) -> int:
    """Channels; 0 where they are not known."""
    size = value.shape[1] if value.shape is not None and len(value.shape) > 1 else 0
    return size if isinstance(size, int) else 0
