"""Values that must share one factor a channel, and the layers that write and read them.

Relu, pooling, an addition of two tensors: f(x / s) = f(x) / s for a factor s > 0 of each channel, so the values on both
sides carry the same factor. Layers with weights end a stream: a factor goes into their weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx_ir as ir

from ...graph.edit import both_ways, clip_bounds, constant_of, is_op

__all__ = ["LAYERS", "Stream", "find_streams"]

LAYERS = ("Conv", "ConvTranspose", "Gemm")
_CARRIERS = ("Relu", "LeakyRelu", "Identity", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool")


@dataclass(frozen=True)
class Stream:
    """values: names, [N, C, …] each. writers, readers: names of layers with weights, in the graph's order. carriers:
    names of the nodes between, which pass a factor on. clips: (value that a Clip reads, its upper bound).
    rectified: values of which only what is above zero is read, by Relu or Clip. joined: an Add, Sub or Mul is among the
    carriers.
    """

    values: tuple[str, ...]
    channels: int
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    carriers: tuple[str, ...]
    clips: tuple[tuple[str, float], ...]
    rectified: frozenset[str]
    joined: bool

    @property
    def pair(self) -> bool:
        """One layer writes it and one reads it: nobody else sees a factor."""
        return len(self.writers) == len(self.readers) == 1 and not self.joined


def find_streams(model: ir.Model) -> tuple[Stream, ...]:
    """The streams of a canonical float model whose channels may be scaled, in the graph's order.

    Left out is one that an input or output of the graph belongs to, a constant, or an op that is not positively
    homogeneous channel by channel (HardSwish, Softmax, a reshape that mixes channels).
    """
    sets = _Sets()
    for node in model.graph:
        sets.union(_carried(node))
    for end in (*model.graph.inputs, *model.graph.outputs):
        sets.of(end).blocked = True
    for node in model.graph:
        name, carried = node.name or "", _carried(node)
        if carried:
            found = sets.of(carried[0])
            found.carriers.append(name)
            found.clips += _clip(node)
            found.rectified |= _rectified(node)
            found.joined |= is_op(node, "Add", "Sub", "Mul")
        elif node.inputs[0] is not None and _plain_layer(node):
            sets.of(node.inputs[0]).readers.append(name)
            sets.of(node.outputs[0]).writers.append(name)
            continue
        for value in (*node.inputs, *node.outputs):
            # What a gate or a list of sizes is must stay as it is.
            if value is not None and value not in carried:
                sets.of(value).blocked = True
    return tuple(found.stream() for found in sets.all() if found.usable)


def _carried(node: ir.Node) -> tuple[ir.Value, ...]:
    """The values of `node` that must have the same factor; none if it passes no factor on."""
    source, output = node.inputs[0] if node.inputs else None, node.outputs[0] if node.outputs else None
    if source is None or output is None or constant_of(source) is not None:
        return ()
    if is_op(node, "Add", "Sub"):
        other = node.inputs[1]
        alike = other is not None and constant_of(other) is None and _sizes(source) == _sizes(other)
        return (source, other, output) if alike and other is not None else ()
    if is_op(node, "Mul"):
        return _gated(node)
    if is_op(node, "Clip"):
        low, high = clip_bounds(node)
        return (source, output) if low in (0.0, -np.inf) and high is not None and high > 0.0 else ()
    one_output = all(not value.uses() and not value.is_graph_output() for value in node.outputs[1:])
    return (source, output) if one_output and (is_op(node, *_CARRIERS) or _drops_ones(node)) else ()


def _gated(node: ir.Node) -> tuple[ir.Value, ...]:
    """A Mul by one number a channel, as squeeze-excite has it: the factor goes with the other operand."""
    output = node.outputs[0]
    for value, gate in both_ways(node):
        if value is None or gate is None or constant_of(value) is not None:
            continue
        if _sizes(value) == _sizes(output) != _sizes(gate) and set(_sizes(gate)[1:]) <= {1}:
            return value, output
    return ()


def _drops_ones(node: ir.Node) -> bool:
    """A reshape from [N, C, 1, …] to [N, C]."""
    if not is_op(node, "Flatten", "Reshape", "Squeeze") or node.inputs[0] is None:
        return False
    before, after = _sizes(node.inputs[0]), _sizes(node.outputs[0])
    return len(before) > 1 and set(before[1:]) == {1} and len(after) == 1 and before[0] == after[0]


def _sizes(value: ir.Value) -> tuple[object, ...]:
    """Its shape without the batch, which need not be known."""
    return tuple(value.shape.dims[1:]) if value.shape is not None else (value,)


def _clip(node: ir.Node) -> list[tuple[str, float]]:
    high = clip_bounds(node)[1] if is_op(node, "Clip") else None
    source = node.inputs[0]
    return [(source.name or "", high)] if source is not None and high is not None and np.isfinite(high) else []


def _rectified(node: ir.Node) -> set[str]:
    """The value that `node` reads, where it is all that does and cuts it at zero."""
    source = node.inputs[0]
    cuts = is_op(node, "Relu") or (is_op(node, "Clip") and clip_bounds(node)[0] == 0.0)
    return {source.name or ""} if cuts and source is not None and len(source.uses()) == 1 else set()


def _plain_layer(node: ir.Node) -> bool:
    """A layer whose channels can be scaled in its weights and bias."""
    if not is_op(node, *LAYERS) or constant_of(node.inputs[1]) is None:
        return False
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    number, whole = node.attributes.get_float, node.attributes.get_int
    if is_op(node, "Gemm"):
        scaled = (number("alpha", 1.0), number("beta", 1.0)) != (1.0, 1.0)
        plain = not scaled and not whole("transA", 0) and whole("transB", 0) == 1
        weight = constant_of(node.inputs[1])
        fits = bias is None or (weight is not None and _flat(constant_of(bias)) in (1, weight.shape[0]))
        return plain and fits
    grouped = is_op(node, "ConvTranspose") and whole("group", 1) != 1
    return not grouped and (bias is None or constant_of(bias) is not None)


def _flat(array: object) -> int:
    return array.size if isinstance(array, np.ndarray) and array.size == max(array.shape, default=1) else -1


@dataclass
class _Found:
    """What is known of one set of values."""

    values: list[ir.Value] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)
    readers: list[str] = field(default_factory=list)
    carriers: list[str] = field(default_factory=list)
    clips: list[tuple[str, float]] = field(default_factory=list)
    rectified: set[str] = field(default_factory=set)
    joined: bool = False
    blocked: bool = False

    @property
    def usable(self) -> bool:
        return not self.blocked and bool(self.writers) and bool(self.readers)

    def stream(self) -> Stream:
        shape = self.values[0].shape
        return Stream(
            tuple(value.name or "" for value in self.values),
            int(shape.dims[1]) if shape is not None and isinstance(shape.dims[1], int) else 0,
            tuple(self.writers),
            tuple(self.readers),
            tuple(self.carriers),
            tuple(self.clips),
            frozenset(self.rectified),
            self.joined,
        )


class _Sets:
    """Union-find over values."""

    def __init__(self) -> None:
        self.parent: dict[ir.Value, ir.Value] = {}
        self.found: dict[ir.Value, _Found] = {}

    def union(self, values: Sequence[ir.Value]) -> None:
        for value in values:
            self.parent[self.root(value)] = self.root(values[0])

    def root(self, value: ir.Value) -> ir.Value:
        self.parent.setdefault(value, value)
        while self.parent[value] is not value:
            value = self.parent[value]
        return value

    def of(self, value: ir.Value) -> _Found:
        """Only once all unions are made."""
        return self.found.setdefault(self.root(value), _Found())

    def all(self) -> list[_Found]:
        for value in self.parent:
            self.of(value).values.append(value)
        return [self.found[root] for root in dict.fromkeys(self.root(value) for value in self.parent)]
