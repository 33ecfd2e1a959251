"""Resize by ONNX's formulas, axis by axis: torch's own interpolation has another set of coordinates.

Source: ONNX operator Resize, version 19, attributes coordinate_transformation_mode and nearest_mode.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["REFUSED", "resize"]

REFUSED = "only nearest and linear Resize, without antialias and cropping"
_COORDINATES = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric")


def resize(node: ir.Node, inputs: Sequence[Tensor | None]) -> Tensor:
    """Nearest or linear, along any axes. Raises ValueError for other modes."""
    values = inputs[0]
    if values is None:
        raise ValueError("a Resize without values")
    mode = node.attributes.get_string("mode", "nearest")
    coordinates = node.attributes.get_string("coordinate_transformation_mode", "half_pixel")
    if (
        mode not in ("nearest", "linear")
        or coordinates not in _COORDINATES
        or node.attributes.get_int("antialias", 0) == 1
    ):
        raise ValueError(REFUSED)
    axes = list(node.attributes.get_ints("axes", [])) or list(range(values.ndim))
    for axis, (size, scale) in zip(axes, _targets(node, values, axes), strict=True):
        if size == values.shape[axis] and scale == 1.0:
            continue
        places = _places(values.shape[axis], size, scale, coordinates)
        values = _picked(node, values, axis, places) if mode == "nearest" else _mixed(values, axis, places)
    return values


def _targets(node: ir.Node, values: Tensor, axes: Sequence[int]) -> list[tuple[int, float]]:
    """(size, scale) an axis. Sizes of the file hold for all axes but the batch, whose size is that of `values`."""
    scales, sizes = (_constant(node, index) for index in (2, 3))
    if scales is not None and scales.size:
        rows = zip(axes, scales.astype(np.float64), strict=True)
        return [(int(np.floor(values.shape[axis] * scale)), float(scale)) for axis, scale in rows]
    if sizes is None:
        raise ValueError(f"the size of {node.name} is computed while it runs")
    if node.attributes.get_string("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise ValueError("a Resize that keeps the aspect ratio")
    found = []
    for axis, size in zip(axes, sizes.tolist(), strict=True):
        held = values.shape[axis]
        found.append((held, 1.0) if axis == 0 else (int(size), size / held))
    return found


def _constant(node: ir.Node, index: int) -> NDArray[np.float64] | None:
    value = node.inputs[index] if index < len(node.inputs) else None
    return None if value is None or value.const_value is None else value.const_value.numpy()


def _places(held: int, size: int, scale: float, coordinates: str) -> NDArray[np.float64]:
    """Where each place of the output lies on the input's axis."""
    out = np.arange(size, dtype=np.float64)
    if coordinates == "align_corners":
        return out * (held - 1) / (size - 1) if size > 1 else np.zeros(size)
    if coordinates == "asymmetric":
        return out / scale
    if coordinates == "pytorch_half_pixel" and size == 1:
        return np.zeros(size)
    places = (out + 0.5) / scale - 0.5
    if coordinates == "half_pixel_symmetric":
        adjusted = size / (held * scale)
        places = places + held / 2 * (1 - adjusted)
    return places


def _picked(node: ir.Node, values: Tensor, axis: int, places: NDArray[np.float64]) -> Tensor:
    rounding = node.attributes.get_string("nearest_mode", "round_prefer_floor")
    rounded = {
        "round_prefer_floor": lambda: np.ceil(places - 0.5),
        "round_prefer_ceil": lambda: np.floor(places + 0.5),
        "floor": lambda: np.floor(places),
        "ceil": lambda: np.ceil(places),
    }[rounding]()
    sources = np.clip(rounded, 0, values.shape[axis] - 1).astype(np.int64)
    return values.index_select(axis, torch.from_numpy(sources))


def _mixed(values: Tensor, axis: int, places: NDArray[np.float64]) -> Tensor:
    """Linear between the two neighbours; the ends are continued."""
    inside = np.clip(places, 0, values.shape[axis] - 1)
    before = np.floor(inside).astype(np.int64)
    after = np.minimum(before + 1, values.shape[axis] - 1)
    shape = [1] * values.ndim
    shape[axis] = -1
    share = torch.from_numpy(inside - before).to(values.dtype).reshape(shape)
    low, high = (values.index_select(axis, torch.from_numpy(index)) for index in (before, after))
    return low * (1 - share) + high * share
