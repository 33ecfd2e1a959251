"""Which layers make a separable convolution together: a depthwise one and the pointwise one after it, k×1 and 1×k."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import onnx_ir as ir

from .edit import both_ways, constant_of, is_op
from .kinds import Kind, kind_of

__all__ = ["LayerPair", "PairKind", "layer_pairs"]


class PairKind(StrEnum):
    """What two layers are together."""

    DEPTHWISE_POINTWISE = "depthwise + pointwise"
    SPATIAL = "spatially separable"


@dataclass(frozen=True)
class LayerPair:
    """first, second: names of nodes, in the order in which they run."""

    kind: PairKind
    first: str
    second: str


def layer_pairs(model: ir.Model) -> tuple[LayerPair, ...]:
    """Every pair, in the order of the second layers; a layer may be the second of one and the first of another.

    Between the two may be what works value by value or channel by channel: normalisations, activations, constants
    added or multiplied, a gate (x·sigmoid(x), squeeze-excite), Q/DQ, moves of the layout. A spatial pair is two
    convolutions of one kind of which neither is wider than 1 in a direction in which the other is.
    """
    found = []
    for node in model.graph:
        first = _source(node.inputs[0]) if kind_of(node).convolution else None
        kind = None if first is None else _pair_kind(first, node)
        if first is not None and kind is not None:
            found.append(LayerPair(kind, first.name or first.op_type, node.name or node.op_type))
    return tuple(found)


def _pair_kind(first: ir.Node, second: ir.Node) -> PairKind | None:
    kinds = kind_of(first), kind_of(second)
    if kinds == (Kind.DEPTHWISE, Kind.POINTWISE):
        return PairKind.DEPTHWISE_POINTWISE
    if kinds[0] is kinds[1] and kinds[0] in (Kind.SPATIALLY_SEPARABLE, Kind.DEPTHWISE):
        wide = _wide(first), _wide(second)
        return PairKind.SPATIAL if all(wide) and not wide[0] & wide[1] else None
    return None


def _wide(node: ir.Node) -> set[int]:
    """Directions in which the kernel is wider than 1."""
    weight = node.inputs[1]
    sizes = () if weight is None or weight.shape is None else weight.shape.numpy()[2:]
    return {direction for direction, size in enumerate(sizes) if size > 1}


def _source(value: ir.Value | None) -> ir.Node | None:
    """The convolution whose responses `value` is, whatever was done to them one by one since; None if it is of none."""
    while value is not None:
        node = value.producer()
        if node is None or kind_of(node).convolution:
            return node
        value = _passed_on(node)
    return None


def _passed_on(node: ir.Node) -> ir.Value | None:
    """The operand whose values `node` changes one by one; None where it mixes them, or adds others."""
    if kind_of(node) in (Kind.ACTIVATION, Kind.QUANTIZE) and not is_op(node, "Softmax", "LogSoftmax"):
        return node.inputs[0]
    if is_op(node, "BatchNormalization", "Identity", "Pad", "Transpose", "Squeeze", "Unsqueeze", "Dropout"):
        return node.inputs[0]
    if kind_of(node) not in (Kind.ADD, Kind.MUL):
        return None
    for value, other in both_ways(node):
        if value is None or other is None:
            return None
        gate = kind_of(node) is Kind.MUL and value in _ancestors(other)
        if constant_of(other) is not None or gate:
            return value
    return None


_GATE = 16
"""Nodes between a value and the gate made of it, at most: a squeeze-excite with its activations written out."""


def _ancestors(value: ir.Value) -> set[ir.Value]:
    return set(_upwards(value))


def _upwards(value: ir.Value) -> Iterator[ir.Value]:
    waiting, seen = [(value, 0)], {value}
    while waiting:
        last, depth = waiting.pop(0)
        node = last.producer()
        if node is None or depth == _GATE:
            continue
        for source in node.inputs:
            if source is not None and source not in seen:
                seen.add(source)
                yield source
                waiting.append((source, depth + 1))
