"""Quantised layers in plain integers: slow, obvious, and the measure of every engine.

Sums are exact (int64), the requantisation is one float64 product, rounded half to even. An engine that computes the
product in less precision may differ by 1 LSB where the exact value lies next to the middle of two codes.
"""

from __future__ import annotations

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
    """Output codes of a cut-out layer (codes in, codes out): Conv, Gemm, Add, GlobalAveragePool, Relu, Clip."""
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
    if node.op_type == "Add":
        return sources[0] + sources[1]
    if node.op_type == "GlobalAveragePool":
        return sources[0].mean(axis=tuple(range(2, sources[0].ndim)), keepdims=True)
    if node.op_type == "Relu":
        return np.maximum(sources[0], 0)
    if node.op_type == "Clip":
        return np.clip(sources[0], known[node.input[1]], known[node.input[2]])
    raise NotImplementedError(node.op_type)


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
