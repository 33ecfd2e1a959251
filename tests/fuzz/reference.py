"""What each value of a graph may be: exact arithmetic, and beside it what rounding explains.

Every operator takes intervals to intervals in float64 and widens them by what float32 may lose: a rounding for each
operation, a rounding for each term of a sum. QuantizeLinear makes intervals of codes: the codes that some number in the
interval has, and where that number lies at the middle of two codes, both. So one code that may be either is followed
through the rest of the graph, and everything else stays pinned to one value.

A runtime whose kernels round more coarsely brings its own `Looseness`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from . import kernels
from .interval import ULP, Array, Interval, exactly, hull
from .moves import MOVES, split

__all__ = ["Held", "Looseness", "Reference", "evaluate"]

_FUNCTION_LOSS = 2e-6
"""Absolute, of a runtime's own exp, tanh and logistic, whose results are of size 1."""
_CODE_LOSS = 2.0**-20
"""Of x / scale, in codes: divided, multiplied by 1 / scale, or shifted by the zero point first; relative to 256."""

_THROUGH = (
    "Relu", "Clip", "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Gather",
    "Concat", "MaxPool", "GlobalMaxPool", "ReduceMax",
)  # fmt: skip
"""Between a layer and its pair: the loader lets the layer make the codes all the same."""

Attributes = dict[str, Any]


@dataclass(frozen=True)
class Held:
    """One quantised value: its scale and zero point, [1] or [C], and the axis of C."""

    scale: Array
    zero_point: Array
    axis: int
    dtype: np.dtype[Any]

    def aligned(self, values: Array, rank: int) -> Array:
        if values.size == 1:
            return values.reshape(())
        shape = [1] * rank
        shape[self.axis] = -1
        return values.reshape(shape)

    @property
    def ends(self) -> tuple[int, int]:
        info = np.iinfo(self.dtype)
        return int(info.min), int(info.max)


Looseness = Callable[["Reference", onnx.NodeProto, Held], "Array | float"]
"""How many codes beyond float32 a runtime may be off where the node's result is quantised; more than half is no tie."""


@dataclass
class Reference:
    """A graph under evaluation. values: reals and codes. constants: arrays of whole numbers. held: name of a
    dequantised value → how. makers: value → the node that makes it."""

    graph: onnx.GraphProto
    values: dict[str, Interval] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    makers: dict[str, onnx.NodeProto] = field(default_factory=dict)
    looseness: Looseness | None = None

    def ints(self, node: onnx.NodeProto, index: int) -> list[int] | None:
        name = node.input[index] if index < len(node.input) else ""
        return [int(v) for v in self.constants[name].reshape(-1)] if name else None

    def step(self, node: onnx.NodeProto) -> Array | None:
        """Scale of the sums of a layer with weights, by output channel; None where it does not run on codes."""
        data, kernel = (self.held.get(name) for name in node.input[:2])
        return None if data is None or kernel is None else data.scale * kernel.scale

    def loss(self, name: str, out: Held) -> Array | float:
        """How many codes of `out` a runtime may lose where it makes `name`, as `looseness` says.

        A move behind a layer is carried out on codes of the grid behind it, by the layer that made them: it is looked
        through, and what the layer may lose moves along. That of a maximum is no more than the greatest of a window's.
        """
        node = self.makers.get(name)
        if self.looseness is None or node is None or name in self.held:
            return 0.0
        reals = [read for read in node.input if read in self.values]
        if not self.moves(node) or not all(self.made_for(node, read) for read in reals if read not in self.constants):
            return self.looseness(self, node, out)
        if node.op_type in ("Relu", "Clip"):
            return self.loss(node.input[0], out)
        lost = {read: np.broadcast_to(self.loss(read, out), self.values[read].shape) for read in reals}
        shadow = replace(self, values={read: exactly(array) for read, array in lost.items()})
        return shadow.apply(node)[list(node.output).index(name)].high

    def carried(self, name: str) -> Held | None:
        """The grid that codes have where `name` is read: of its pair, or of the pair before a move that has none."""
        node = self.makers.get(name)
        if name in self.held or node is None or node.op_type in ("Relu", "Clip") or not self.moves(node):
            return self.held.get(name)
        reals = [read for read in node.input if read in self.values]
        return self.carried(reals[0]) if len(reals) == 1 else None

    def moves(self, node: onnx.NodeProto) -> bool:
        """Whether the loader lets a layer before `node` make the codes behind it."""
        if node.op_type == "Pad":
            return len(node.input) < 3 or not node.input[2] or not self.constants[node.input[2]].any()
        if node.op_type == "Resize":
            return all(helper.get_attribute_value(a) == b"nearest" for a in node.attribute if a.name == "mode")
        return node.op_type in _THROUGH

    def made_for(self, node: onnx.NodeProto, name: str) -> bool:
        """Whether a node makes `name`, in float, and `node` alone reads it."""
        readers = [reader.output[0] for reader in self.graph.node if name in reader.input]
        readers += [info.name for info in self.graph.output if info.name == name]
        return name in self.makers and name not in self.held and readers == [node.output[0]]

    def run(self) -> None:
        for node in self.graph.node:
            self.makers |= dict.fromkeys(node.output, node)
            for name, made in zip(node.output, self.apply(node), strict=False):
                if name:
                    self.values[name] = made

    def apply(self, node: onnx.NodeProto) -> list[Interval]:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            return [_QDQ[node.op_type](self, node, attributes)]
        if node.op_type == "Split":
            return split(self, node, attributes)
        return [_OPS[node.op_type](self, node, attributes)]

    def read(self, node: onnx.NodeProto) -> list[Interval]:
        """The inputs that are real numbers, in order."""
        return [self.values[name] for name in node.input if name in self.values]


def evaluate(model: onnx.ModelProto, feeds: Mapping[str, Array], looseness: Looseness | None = None) -> Reference:
    """Everything that the graph makes of `feeds`."""
    found = Reference(model.graph, looseness=looseness)
    for tensor in model.graph.initializer:
        _keep(found, tensor.name, numpy_helper.to_array(tensor))
    for name, array in feeds.items():
        found.values[name] = exactly(array)
    found.run()
    return found


def _keep(found: Reference, name: str, array: Array) -> None:
    if array.dtype == np.float32:
        found.values[name] = exactly(array)
    found.constants[name] = array


# Codes


def _how(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Held:
    scale = found.constants[node.input[1]].astype(np.float64).reshape(-1)
    zero_point = found.constants[node.input[2]]
    return Held(scale, zero_point.astype(np.int64).reshape(-1), attributes.get("axis", 1), zero_point.dtype)


def _dequantize(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
    how = _how(found, node, attributes)
    name = node.input[0]
    codes = found.values[name] if name in found.values else exactly(found.constants[name])
    rank = codes.low.ndim
    scale, zero = how.aligned(how.scale, rank), how.aligned(how.zero_point, rank)
    found.held[node.output[0]] = how
    # What float32 loses here is counted where the value is read.
    return Interval((codes.low - zero) * scale, (codes.high - zero) * scale)


def _quantize(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
    how = _how(found, node, attributes)
    real = found.values[node.input[0]]
    rank = real.low.ndim
    scale, zero = how.aligned(how.scale, rank), how.aligned(how.zero_point, rank)
    loss = _CODE_LOSS * np.minimum(real.magnitude / scale + 1, 1024) + found.loss(node.input[0], how)
    ends = (np.rint(real.low / scale - loss) + zero, np.rint(real.high / scale + loss) + zero)
    low, high = how.ends
    return Interval(*(np.clip(end, low, high) for end in ends))


_QDQ = {"QuantizeLinear": _quantize, "DequantizeLinear": _dequantize}


# Layers with weights


def _linear(found: Reference, node: onnx.NodeProto, act: Callable[[Array, Array], Array]) -> Interval:
    """act: of data and weights. Each factor may be rounded, each product, and each addition."""
    x, weight = found.values[node.input[0]], found.values[node.input[1]]
    terms = weight.low.size / max(min(weight.shape), 1) + 4
    middle, size = act(x.middle, weight.middle), act(x.magnitude, weight.magnitude)
    spread = act(x.radius, weight.magnitude) + act(np.abs(x.middle), weight.radius)
    return Interval(middle - spread, middle + spread).widened(ULP * min(terms, 64) * size)


def _biased(found: Reference, node: onnx.NodeProto, sums: Interval, axis: int) -> Interval:
    if len(node.input) < 3 or not node.input[2]:
        return sums
    bias = found.values[node.input[2]]
    shape = [1] * sums.low.ndim
    shape[axis] = -1
    total = Interval(sums.low + bias.low.reshape(shape), sums.high + bias.high.reshape(shape))
    step = found.step(node)
    if step is not None and node.input[2] not in found.held:
        # A bias that the file holds in float becomes a whole number of steps.
        # A transposed convolution's scales repeat, group by group.
        total = total.widened((0.5 * np.resize(step, bias.low.size)).reshape(shape))
    return total.widened(ULP * (np.abs(bias.low).reshape(shape) + total.magnitude))


def _conv(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
    return _biased(found, node, _linear(found, node, lambda x, w: kernels.conv(x, w, attributes)), 1)


def _conv_transpose(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
    return _biased(found, node, _linear(found, node, lambda x, w: kernels.conv_transpose(x, w, attributes)), 1)


def _gemm(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
    alpha, beta = float(attributes.get("alpha", 1.0)), float(attributes.get("beta", 1.0))

    def act(x: Array, w: Array) -> Array:
        product: Array = (x.T if attributes.get("transA") else x) @ (w.T if attributes.get("transB") else w)
        return product

    sums = _linear(found, node, act)
    sums = hull([sums.low * alpha, sums.high * alpha]).rounded()
    if len(node.input) < 3 or not node.input[2]:
        return sums
    bias = found.values[node.input[2]]
    total = Interval(sums.low + bias.low * beta, sums.high + bias.high * beta) if beta >= 0 else Interval(
        sums.low + bias.high * beta, sums.high + bias.low * beta)  # fmt: skip
    step = found.step(node)
    if step is not None and node.input[2] not in found.held:
        total = total.widened(0.5 * step)
    return total.widened(ULP * (bias.magnitude * abs(beta) + total.magnitude))


def _matmul(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
    return _linear(found, node, lambda x, w: x @ w)


def _batch_norm(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
    x = found.values[node.input[0]]
    shape = (1, -1, *[1] * (x.low.ndim - 2))
    gamma, beta, mean, variance = (found.values[name].low.reshape(shape) for name in node.input[1:5])
    scale = gamma / np.sqrt(variance + attributes.get("epsilon", 1e-5))
    shift = beta - scale * mean
    moved = hull([x.low * scale + shift, x.high * scale + shift])
    # Folded into the layer before it, the products of that layer are rounded once more.
    return moved.widened(8 * ULP * (x.magnitude * np.abs(scale) + np.abs(scale * mean) + np.abs(beta)))


# Element by element


def _binary(
    act: Callable[[Array, Array], Array],
) -> Callable[[Reference, onnx.NodeProto, Attributes], Interval]:
    def apply(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
        one, other = (found.values[name] for name in node.input)
        ends = [act(a, b) for a in (one.low, one.high) for b in (other.low, other.high)]
        if node.input[0] == node.input[1]:
            ends = [act(one.low, one.low), act(one.high, one.high)]
            nothing = np.zeros_like(one.low)
            if node.op_type == "Mul":
                ends.append(np.where((one.low < 0) & (one.high > 0), nothing, ends[0]))
        total = hull(ends)
        size = total.magnitude
        if node.op_type in ("Add", "Sub"):
            size = one.magnitude + other.magnitude
        return total.widened(2 * ULP * size)

    return apply


def _several(join: Callable[[list[Array]], Array]) -> Callable[[Reference, onnx.NodeProto, Attributes], Interval]:
    def apply(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
        values = found.read(node)
        return Interval(join([value.low for value in values]), join([value.high for value in values]))

    return apply


def _curve(
    act: Callable[[Array, Attributes], Array], *, loss: float = 0.0, turns: float | None = None
) -> Callable[[Reference, onnx.NodeProto, Attributes], Interval]:
    """act: rises or falls throughout, except that it turns at `turns`. loss: absolute."""

    def apply(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
        x = found.values[node.input[0]]
        ends = [act(x.low, attributes), act(x.high, attributes)]
        if turns is not None:
            inside = np.clip(turns, x.low, x.high)
            ends.append(act(inside, attributes))
        return hull(ends).rounded(4).widened(loss)

    return apply


def _clip(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
    low, high = (found.constants[node.input[i]] if i < len(node.input) and node.input[i] else None for i in (1, 2))
    return found.values[node.input[0]].mapped(
        lambda x: np.minimum(np.maximum(x, -np.inf if low is None else low), np.inf if high is None else high)
    )


def _prelu(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
    x, slope = (found.values[name] for name in node.input)
    ends = [np.where(end >= 0, end, end * s) for end in (x.low, x.high) for s in (slope.low, slope.high)]
    crossing = (x.low < 0) & (x.high > 0)
    ends.append(np.where(np.broadcast_to(crossing, ends[0].shape), 0.0, ends[0]))
    return hull(ends).rounded(2)


def _softmax(found: Reference, node: onnx.NodeProto, attributes: Attributes) -> Interval:
    x, axis = found.values[node.input[0]], attributes.get("axis", -1)
    top = x.high.max(axis=axis, keepdims=True)
    low, high = np.exp(x.low - top), np.exp(x.high - top)
    least = low / (low + high.sum(axis=axis, keepdims=True) - high)
    most = high / (high + low.sum(axis=axis, keepdims=True) - low)
    # exp of a difference that float32 rounds.
    span = ULP * x.magnitude.max(axis=axis, keepdims=True)
    return Interval(least, most).widened(_FUNCTION_LOSS + 2 * span)


def _sigmoid(x: Array, _: Attributes) -> Array:
    with np.errstate(over="ignore"):
        found: Array = 1 / (1 + np.exp(-x))
    return found


_OPS: dict[str, Callable[[Reference, onnx.NodeProto, Attributes], Interval]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _batch_norm,
    "Add": _binary(np.add),
    "Sub": _binary(np.subtract),
    "Mul": _binary(np.multiply),
    "Div": _binary(np.divide),
    "Max": _several(lambda parts: reduce(np.maximum, parts)),
    "Min": _several(lambda parts: reduce(np.minimum, parts)),
    "Relu": lambda found, node, attributes: found.values[node.input[0]].mapped(lambda x: np.maximum(x, 0)),
    "Clip": _clip,
    "Sigmoid": _curve(_sigmoid, loss=_FUNCTION_LOSS),
    "Tanh": _curve(lambda x, _: np.tanh(x), loss=_FUNCTION_LOSS),
    "HardSigmoid": _curve(
        lambda x, a: np.clip(np.float32(a.get("alpha", 0.2)) * x + np.float32(a.get("beta", 0.5)), 0, 1), loss=4 * ULP
    ),
    "HardSwish": _curve(lambda x, _: x * np.clip(x / 6 + 0.5, 0, 1), loss=4 * ULP, turns=-1.5),
    "LeakyRelu": _curve(lambda x, a: np.where(x >= 0, x, x * np.float32(a.get("alpha", 0.01))), turns=0.0),
    "PRelu": _prelu,
    "Softmax": _softmax,
    **MOVES,
}
