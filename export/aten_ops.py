"""What each known op of torch becomes in ONNX. One row an op; what a row does not take exactly, it refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, Protocol

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

__all__ = ["IN_PLACE", "LOWERINGS", "VIEWS", "Arguments", "Graph", "UnknownHere"]

Arguments = dict[str, Any]
"""The arguments of a torch op by name; tensors are ONNX values."""


class UnknownHere(Exception):
    """Something that is not known exactly here. Never leaves the room: torch's exporter takes over."""


class Graph(Protocol):
    """What a row may do: append nodes and constants, and ask for the shape that torch found for the result."""

    def op(
        self,
        kind: str,
        inputs: Sequence[ir.Value | None],
        attributes: Mapping[str, Any] | None = None,
        *,
        part: str = "",
    ) -> ir.Value: ...

    def split(self, value: ir.Value, axis: int) -> tuple[ir.Value, ...]: ...

    def integers(self, numbers: Sequence[int]) -> ir.Value: ...

    def array(self, numbers: NDArray[np.float32]) -> ir.Value: ...

    def shape(self) -> ir.Shape: ...


LOWERINGS: dict[str, Callable[[Graph, Arguments], Any]] = {}
"""Name of the torch op → what translates it."""


def _lowers(*names: str, **settings: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(row: Callable[..., Any]) -> Callable[..., Any]:
        LOWERINGS.update({f"aten.{name}": partial(row, **settings) if settings else row for name in names})
        return row

    return register


@_lowers("conv1d.default", "conv2d.default", "conv3d.default")
def _conv(graph: Graph, given: Arguments) -> ir.Value:
    padding = _each(given["padding"], len(given["weight"].shape) - 2)
    return _convolution(graph, given, [*padding, *padding])


@_lowers("conv1d.padding", "conv2d.padding", "conv3d.padding")
def _conv_by_word(graph: Graph, given: Arguments) -> ir.Value:
    """ "valid", or "same": d·(k − 1) zeros, the odd one after. Stride is 1 with "same", torch sees to it."""
    kernel = given["weight"].shape[2:]
    if given["padding"] == "valid":
        return _convolution(graph, given, [0] * (2 * len(kernel)))
    total = [d * (int(k) - 1) for d, k in zip(_each(given["dilation"], len(kernel)), kernel, strict=True)]
    return _convolution(graph, given, [*(t // 2 for t in total), *(t - t // 2 for t in total)])


def _convolution(graph: Graph, given: Arguments, pads: list[int]) -> ir.Value:
    return graph.op("Conv", *_layer(given, pads))


@_lowers("conv_transpose1d.default", "conv_transpose2d.input", "conv_transpose3d.input")
def _conv_transpose(graph: Graph, given: Arguments) -> ir.Value:
    rank = len(given["weight"].shape) - 2
    padding = _each(given["padding"], rank)
    inputs, settings = _layer(given, [*padding, *padding])
    return graph.op("ConvTranspose", inputs, settings | {"output_padding": _each(given["output_padding"], rank)})


def _layer(given: Arguments, pads: list[int]) -> tuple[list[ir.Value], dict[str, Any]]:
    kernel = [int(size) for size in given["weight"].shape[2:]]
    _batched(given["input"], len(kernel))
    settings = {
        "dilations": _each(given["dilation"], len(kernel)),
        "group": given["groups"],
        "kernel_shape": kernel,
        "pads": pads,
        "strides": _each(given["stride"], len(kernel)),
    }
    return _weighted(given), settings


@_lowers("batch_norm.default")
def _batch_norm(graph: Graph, given: Arguments) -> ir.Value:
    mean, variance, gamma, beta = (given[key] for key in ("running_mean", "running_var", "weight", "bias"))
    if given["training"] or mean is None or variance is None:
        raise UnknownHere("normalisation by the batch's own statistics")
    channels = mean.shape[0]
    gamma = graph.array(np.ones(channels, np.float32)) if gamma is None else gamma
    beta = graph.array(np.zeros(channels, np.float32)) if beta is None else beta
    return graph.op("BatchNormalization", [given["input"], gamma, beta, mean, variance], {"epsilon": given["eps"]})


@_lowers("linear.default")
def _linear(graph: Graph, given: Arguments) -> ir.Value:
    _batched(given["input"], 0)
    return graph.op("Gemm", _weighted(given), {"transB": 1})


@_lowers("relu.default", kind="Relu")
@_lowers("hardswish.default", kind="HardSwish")
@_lowers("sigmoid.default", kind="Sigmoid")
@_lowers("tanh.default", kind="Tanh")
def _unary(graph: Graph, given: Arguments, kind: str) -> ir.Value:
    return graph.op(kind, [given["self"]])


@_lowers("relu6.default", low=0.0, high=6.0)
@_lowers("hardtanh.default")
@_lowers("clamp.default")
def _clip(graph: Graph, given: Arguments, low: float | None = None, high: float | None = None) -> ir.Value:
    low, high = given.get("min_val", given.get("min", low)), given.get("max_val", given.get("max", high))
    return graph.op("Clip", [given["self"], *(None if end is None else _scalar(graph, end) for end in (low, high))])


@_lowers("hardsigmoid.default")
def _hardsigmoid(graph: Graph, given: Arguments) -> ir.Value:
    return graph.op("HardSigmoid", [given["self"]], {"alpha": 1 / 6, "beta": 0.5})


@_lowers("silu.default")
def _silu(graph: Graph, given: Arguments) -> ir.Value:
    return graph.op("Mul", [given["self"], graph.op("Sigmoid", [given["self"]], part="sigmoid")])


@_lowers("leaky_relu.default")
def _leaky_relu(graph: Graph, given: Arguments) -> ir.Value:
    return graph.op("LeakyRelu", [given["self"]], {"alpha": float(given["negative_slope"])})


@_lowers("softmax.int")
def _softmax(graph: Graph, given: Arguments) -> ir.Value:
    _only(given, dtype=None)
    return graph.op("Softmax", [given["self"]], {"axis": given["dim"]})


@_lowers("add.Tensor", kind="Add")
@_lowers("sub.Tensor", kind="Sub")
@_lowers("mul.Tensor", kind="Mul")
@_lowers("div.Tensor", kind="Div")
def _binary(graph: Graph, given: Arguments, kind: str) -> ir.Value:
    _only(given, alpha=1)
    pair = [given["self"], given["other"]]
    return graph.op(kind, [value if isinstance(value, ir.Value) else _scalar(graph, value) for value in pair])


@_lowers("cat.default")
def _cat(graph: Graph, given: Arguments) -> ir.Value:
    return graph.op("Concat", given["tensors"], {"axis": given["dim"]})


@_lowers("max_pool1d.default", rank=1)
@_lowers("max_pool2d.default", rank=2)
@_lowers("max_pool3d.default", rank=3)
def _max_pool(graph: Graph, given: Arguments, rank: int) -> ir.Value:
    settings = _window(given, rank) | {"dilations": _each(given["dilation"], rank)}
    return graph.op("MaxPool", [given["self"]], settings)


@_lowers("avg_pool1d.default", rank=1)
@_lowers("avg_pool2d.default", rank=2)
@_lowers("avg_pool3d.default", rank=3)
def _average_pool(graph: Graph, given: Arguments, rank: int) -> ir.Value:
    divisor, settings = given.get("divisor_override"), _window(given, rank)
    if divisor is None:
        return graph.op(
            "AveragePool", [given["self"]], settings | {"count_include_pad": int(given["count_include_pad"])}
        )
    # torch's exporter drops the divisor without a word. Pads count 0, so the mean over the whole window is sum / area.
    mean = graph.op("AveragePool", [given["self"]], settings | {"count_include_pad": 1}, part="mean")
    return graph.op("Mul", [mean, _scalar(graph, prod(settings["kernel_shape"]) / divisor)])


def _window(given: Arguments, rank: int) -> dict[str, Any]:
    _only(given, ceil_mode=False)  # ONNX and torch differ on a window that starts in the padding
    _batched(given["self"], rank)
    kernel, padding = _each(given["kernel_size"], rank), _each(given["padding"], rank)
    return {
        "kernel_shape": kernel,
        "pads": [*padding, *padding],
        "strides": _each(given["stride"], rank) if given["stride"] else kernel,
    }


@_lowers("adaptive_avg_pool1d.default", rank=1)
@_lowers("adaptive_avg_pool2d.default", rank=2)
@_lowers("adaptive_avg_pool3d.default", rank=3)
def _global_pool(graph: Graph, given: Arguments, rank: int) -> ir.Value:
    _batched(given["self"], rank)
    if set(_each(given["output_size"], rank)) != {1}:
        raise UnknownHere("adaptive pooling to more than one position")
    return graph.op("GlobalAveragePool", [given["self"]])


@_lowers("mean.dim")
def _mean(graph: Graph, given: Arguments) -> ir.Value:
    _only(given, dtype=None)
    if not given["dim"]:
        raise UnknownHere("a mean over everything")
    return graph.op("ReduceMean", [given["self"], graph.integers(given["dim"])], {"keepdims": int(given["keepdim"])})


@_lowers(
    "flatten.using_ints",
    "reshape.default",
    "squeeze.default",
    "squeeze.dim",
    "squeeze.dims",
    "unflatten.int",
    "unsqueeze.default",
    "view.default",
)
def _reshape(graph: Graph, given: Arguments) -> ir.Value:
    sizes = [size if isinstance(size, int) else str(size) for size in graph.shape()]
    if isinstance(sizes[0], str):  # an open batch
        if sizes[0] != str(given["self"].shape[0]):
            raise UnknownHere("a batch that is reshaped")
        sizes[0] = 0  # as the input has it
    return graph.op("Reshape", [given["self"], graph.integers([int(size) for size in sizes])])


@_lowers("permute.default")
def _permute(graph: Graph, given: Arguments) -> ir.Value:
    rank = len(given["self"].shape)
    return graph.op("Transpose", [given["self"]], {"perm": [axis % rank for axis in given["dims"]]})


@_lowers("transpose.int")
def _transpose(graph: Graph, given: Arguments) -> ir.Value:
    order = list(range(len(given["self"].shape)))
    one, other = given["dim0"], given["dim1"]
    order[one], order[other] = order[other], order[one]
    return graph.op("Transpose", [given["self"]], {"perm": order})


_PAD_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@_lowers("pad.default", "constant_pad_nd.default")
def _pad(graph: Graph, given: Arguments) -> ir.Value:
    mode = _PAD_MODES.get(given.get("mode", "constant"))
    if mode is None:
        raise UnknownHere("a padding mode")
    counts, rank = given["pad"], len(given["self"].shape)
    if any(type(count) is not int or count < 0 for count in counts):
        raise UnknownHere("padding that crops, or is not fixed")
    before, after = [0] * rank, [0] * rank
    for index in range(len(counts) // 2):  # torch counts from the last dimension
        before[-1 - index], after[-1 - index] = counts[2 * index], counts[2 * index + 1]
    inputs = [given["self"], graph.integers([*before, *after])]
    if mode != "constant":
        return graph.op("Pad", inputs, {"mode": mode})
    return graph.op("Pad", [*inputs, _scalar(graph, given["value"] or 0.0)])


@_lowers("slice.Tensor")
def _slice(graph: Graph, given: Arguments) -> ir.Value:
    start, end = given["start"] or 0, given["end"]
    end = int(np.iinfo(np.int64).max) if end is None else end
    bounds = [graph.integers([number]) for number in (start, end, given["dim"], given["step"])]
    return graph.op("Slice", [given["self"], *bounds])


@_lowers("chunk.default", "split.Tensor", "split_with_sizes.default")
def _split(graph: Graph, given: Arguments) -> tuple[ir.Value, ...]:
    return graph.split(given["self"], given["dim"])


@_lowers("dropout.default", "feature_dropout.default")
def _dropout(graph: Graph, given: Arguments) -> ir.Value:
    _only(given, train=False)
    value: ir.Value = given["input"]
    return value


@_lowers("alias.default", "clone.default", "contiguous.default", "detach.default")
def _same(graph: Graph, given: Arguments) -> ir.Value:
    value: ir.Value = given["self"]
    return value


VIEWS = frozenset(
    f"aten.{name}"
    for name in (
        "alias.default", "chunk.default", "contiguous.default", "detach.default", "dropout.default", "dropout_.default",
        "feature_dropout.default", "flatten.using_ints", "permute.default", "reshape.default", "slice.Tensor",
        "split.Tensor", "split_with_sizes.default", "squeeze.default", "squeeze.dim", "squeeze.dims", "transpose.int",
        "unflatten.int", "unsqueeze.default", "view.default",
    )
)  # fmt: skip
"""Ops whose result may share memory with their input."""

IN_PLACE = {
    f"aten.{name.replace('.', '_.')}": f"aten.{name}"
    for name in (
        "add.Tensor", "clamp.default", "div.Tensor", "dropout.default", "hardsigmoid.default", "hardswish.default",
        "hardtanh.default", "leaky_relu.default", "mul.Tensor", "relu.default", "relu6.default", "sigmoid.default",
        "silu.default", "sub.Tensor", "tanh.default",
    )
}  # fmt: skip
"""Op in place → the same op without."""


def _each(setting: int | Sequence[int], rank: int) -> list[int]:
    """A number a direction; torch may write one for all."""
    numbers = [setting] if isinstance(setting, int) else list(setting)
    numbers = numbers * rank if len(numbers) == 1 else numbers
    if len(numbers) != rank or not all(type(number) is int for number in numbers):
        raise UnknownHere(f"{setting} for {rank} directions")
    return numbers


def _batched(value: ir.Value, rank: int) -> None:
    """torch takes [C, …] for [1, C, …]; ONNX does not."""
    if value.shape is None or len(value.shape) != rank + 2:
        raise UnknownHere("an input without a batch")


def _weighted(given: Arguments) -> list[ir.Value]:
    return [given[key] for key in ("input", "weight", "bias") if given[key] is not None]


def _scalar(graph: Graph, number: object) -> ir.Value:
    if not isinstance(number, int | float):
        raise UnknownHere("a number that is not fixed")
    return graph.array(np.asarray(number, np.float32))


def _only(given: Arguments, **accepted: object) -> None:
    for name, value in accepted.items():
        if name in given and given[name] != value:
            raise UnknownHere(f"{name} {given[name]}")
