"""Quantised layers in plain integers: slow, obvious, and the measure of every engine.

Sums are exact (int64), the requantisation is one float64 product, rounded half to even. An engine that computes the
product in less precision may differ by 1 LSB where the exact value lies next to the middle of two codes.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

__all__ = ["exact_layer"]

Codes = NDArray[Any]


def exact_layer(cut: Path, feeds: dict[str, Codes]) -> dict[str, Codes]:
    """Output codes of a cut-out layer (codes in, codes out). The ops: Conv, Gemm and those of _FLOAT_OPS."""
    graph = onnx.load(str(cut)).graph
    known: dict[str, Codes] = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    known |= feeds
    made: dict[str, Codes] = {}
    held = {node.output[0]: [known[name] for name in node.input] for node in graph.node if _op(node, "Dequantize")}
    real: dict[str, NDArray[np.float64]] = {}
    for node in graph.node:
        if _op(node, "Quantize"):
            scale, zero_point = (known[name] for name in node.input[1:])
            info = np.iinfo(zero_point.dtype)
            # Half to even, as ONNX defines QuantizeLinear.
            codes = np.rint(real[node.input[0]] / np.float64(scale)) + int(zero_point)
            made[node.output[0]] = np.clip(codes, info.min, info.max).astype(zero_point.dtype)
        elif not _op(node, "Dequantize"):
            real[node.output[0]] = _compute(node, held, known, real)
    return made


def _op(node: onnx.NodeProto, start: str) -> bool:
    return bool(node.op_type == f"{start}Linear")


def _compute(
    node: onnx.NodeProto,
    held: dict[str, list[Codes]],
    known: dict[str, Codes],
    real: dict[str, NDArray[np.float64]],
) -> NDArray[np.float64]:
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type in ("Conv", "Gemm"):
        x, w, b = (held[name] for name in node.input)
        centred = x[0].astype(np.int64) - int(x[2])
        sums = _conv(centred, w[0], attributes) if node.op_type == "Conv" else centred @ w[0].astype(np.int64).T
        shape = (1, -1, *[1] * (sums.ndim - 2))
        sums = sums + b[0].astype(np.int64).reshape(shape)
        return sums * (np.float64(x[1]) * w[1].astype(np.float64)).reshape(shape)
    sources = [real[name] if name in real else _real(held[name]) for name in node.input if name in real or name in held]
    constants = [known[name] for name in node.input if name in known]
    return _FLOAT_OPS[node.op_type](sources, constants, attributes)


def _pool(x: NDArray[np.float64], attributes: dict[str, Any], reduce: Any) -> NDArray[np.float64]:
    """Two dimensions, no pads."""
    (height, width), (down, across) = attributes["kernel_shape"], attributes["strides"]
    rows = range(0, x.shape[2] - height + 1, down)
    columns = range(0, x.shape[3] - width + 1, across)
    return np.stack(
        [np.stack([reduce(x[:, :, i : i + height, j : j + width], axis=(2, 3)) for j in columns], -1) for i in rows], -2
    )


def _softmax(x: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-x))


_FLOAT_OPS: dict[str, Callable[[list[NDArray[np.float64]], list[Codes], dict[str, Any]], NDArray[np.float64]]] = {
    "Add": lambda x, _, a: x[0] + x[1],
    "Mul": lambda x, _, a: x[0] * x[1],
    "GlobalAveragePool": lambda x, _, a: x[0].mean(axis=tuple(range(2, x[0].ndim)), keepdims=True),
    "AveragePool": lambda x, _, a: _pool(x[0], a, np.mean),
    "MaxPool": lambda x, _, a: _pool(x[0], a, np.max),
    "Relu": lambda x, _, a: np.maximum(x[0], 0),
    "Clip": lambda x, c, a: np.clip(x[0], c[0], c[1]),
    "Sigmoid": lambda x, _, a: _sigmoid(x[0]),
    "HardSigmoid": lambda x, _, a: np.clip(a["alpha"] * x[0] + a["beta"], 0, 1),
    "HardSwish": lambda x, _, a: x[0] * np.clip(x[0] / 6 + 0.5, 0, 1),
    "Softmax": lambda x, _, a: _softmax(x[0], a["axis"]),
    "Concat": lambda x, _, a: np.concatenate(x, a["axis"]),
    "Transpose": lambda x, _, a: x[0].transpose(a["perm"]),
}
"""(real inputs, constants, attributes) → real outputs."""


def _real(held: list[Codes]) -> NDArray[np.float64]:
    codes, scale, zero_point = held
    return (codes.astype(np.int64) - int(zero_point)) * np.float64(scale)


def _conv(x: NDArray[np.int64], w: Codes, attributes: dict[str, Any]) -> NDArray[np.int64]:
    """x: [1, C_in, …], centred. w: [C_out, C_in / group, …]. Any number of dimensions, one tap at a time."""
    kernel = w.shape[2:]
    group = attributes.get("group", 1)
    strides = attributes.get("strides", [1] * len(kernel))
    dilations = attributes.get("dilations", [1] * len(kernel))
    pads = attributes.get("pads", [0] * 2 * len(kernel))
    before, after = pads[: len(kernel)], pads[len(kernel) :]
    padded = np.pad(x, [(0, 0), (0, 0), *zip(before, after, strict=True)])
    sizes = [
        (have - dilation * (size - 1) - 1) // stride + 1
        for have, size, stride, dilation in zip(padded.shape[2:], kernel, strides, dilations, strict=True)
    ]
    sums = np.zeros((1, w.shape[0], *sizes), np.int64)
    ins, outs = w.shape[1], w.shape[0] // group
    for channel in range(w.shape[0]):
        first = channel // outs * ins
        for tap in product(*map(range, kernel)):
            window = tuple(
                slice(at * dilation, at * dilation + (size - 1) * stride + 1, stride)
                for at, dilation, size, stride in zip(tap, dilations, sizes, strides, strict=True)
            )
            for source in range(ins):
                sums[0, channel] += padded[(0, first + source, *window)] * int(w[(channel, source, *tap)])
    return sums
