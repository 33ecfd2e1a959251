"""Codes of a bilinear Resize that lie in the middle of two: which one an engine picks is its own affair.

The interpolation weights of a whole factor are a few sixteenths, so that many exact values end in one half: of a map of
33 pixels spread to 129, corners on corners, 19 % of them. XNNPACK rounds those up (its result is the exact one, rounded
half up, bit for bit), ONNX Runtime and OpenVINO wherever their float sums fall. None is wrong, and no two agree.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from .cut import Layer

__all__ = ["middles"]

_WEIGHT_STEPS = 2048
"""XNNPACK carries weights in 11 bits."""
_FLOAT_ERROR = 2.0**-10
"""Of an interpolation in float32, in codes, with room."""

Middles = Callable[[NDArray[Any]], NDArray[np.bool_]]


def middles(cut: Path, layer: Layer) -> Middles | None:
    """What says, of input codes [N, C, …], which output codes may be either of two; None where none may.

    cut: the layer's file. Only a Resize, linear, of the spatial axes, onto the same grid. A code is in the middle where
    its exact value is no further from one half than the float sums, and weights rounded to 11 bits, can be off there.
    """
    if layer.op != "Resize" or len(layer.reads) != 1 or len(layer.makes) != 1:
        return None
    before, after = layer.reads[0], layer.makes[0]
    same = np.array_equal(before.params.scale, after.params.scale) and np.array_equal(
        before.params.zero_point, after.params.zero_point
    )
    node = next(node for node in ir.load(cut).graph if node.op_type == "Resize")
    if not same or before.shape[:2] != after.shape[:2] or node.attributes.get_string("mode", "nearest") != "linear":
        return None
    walks = []
    for axis, (size_in, size_out) in enumerate(zip(before.shape, after.shape, strict=True)):
        place = _source(node, axis, size_in, size_out)
        if place is None or (axis < 2 and not np.array_equal(place, np.arange(size_in))):
            return None
        walks.append(np.clip(place, 0, size_in - 1))
    return lambda codes: _in_the_middle(codes, walks[2:])


def _in_the_middle(codes: NDArray[Any], walks: list[NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Plane by plane, for a whole map in float64 is large."""
    planes = [
        _plane(plane.astype(np.float64), walks)
        for plane in codes.reshape(-1, *codes.shape[2:])
    ]  # fmt: skip
    return np.stack(planes).reshape(*codes.shape[:2], *planes[0].shape)


def _plane(codes: NDArray[np.float64], walks: list[NDArray[np.float64]]) -> NDArray[np.bool_]:
    exact, coarse = codes, codes
    for axis, walk in enumerate(walks):
        first = np.floor(walk).astype(np.int64)
        second = np.minimum(first + 1, codes.shape[axis] - 1)
        share = walk - first
        exact = _between(exact, axis, first, second, share)
        coarse = _between(coarse, axis, first, second, np.rint(share * _WEIGHT_STEPS) / _WEIGHT_STEPS)
    off = np.abs(coarse - exact) + _FLOAT_ERROR
    return np.abs(exact - np.floor(exact) - 0.5) <= off


def _between(
    values: NDArray[np.float64], axis: int, first: NDArray[np.int64], second: NDArray[np.int64],
    share: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    weights = share.reshape(-1, *[1] * (values.ndim - axis - 1))
    low, high = np.take(values, first, axis), np.take(values, second, axis)
    found: NDArray[np.float64] = low + (high - low) * weights
    return found


def _source(node: ir.Node, axis: int, size_in: int, size_out: int) -> NDArray[np.float64] | None:
    """Where each output place lies in the input, as ONNX defines Resize; None of a map that is not known here."""
    mode = node.attributes.get_string("coordinate_transformation_mode", "half_pixel")
    scale = _scale(node, axis, size_in, size_out)
    place = np.arange(size_out, dtype=np.float64)
    if scale is None or size_in == size_out == 1:
        return None if scale is None else np.zeros(1)
    if mode == "half_pixel" or (mode == "pytorch_half_pixel" and size_out > 1):
        return (place + 0.5) / scale - 0.5
    if mode == "asymmetric":
        return place / scale
    if mode == "align_corners":
        return place * ((size_in - 1) / (size_out - 1)) if size_out > 1 else np.zeros(1)
    return None


def _scale(node: ir.Node, axis: int, size_in: int, size_out: int) -> float | None:
    if "axes" in node.attributes:
        return None
    if len(node.inputs) < 3 or node.inputs[2] is None:
        return size_out / size_in
    tensor = ir.convenience.get_const_tensor(node.inputs[2])
    if tensor is None:
        return None
    given = tensor.numpy().reshape(-1)
    return float(given[axis]) if given.size else size_out / size_in
