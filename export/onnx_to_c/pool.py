"""Pools over windows and over whole images."""

from __future__ import annotations

import numpy as np

from ...graph.quantization import QuantParams
from ..onnx_to_tflite.rows import Condition
from ..onnx_to_tflite.site import Site
from ..onnx_to_tflite.window import Axis, Window, window
from .conv import window_struct
from .listing import Listing, grid, sizes
from .rows import lowers

__all__ = ["SAME_GRID", "average_pool", "global_average_pool", "global_max_pool", "max_pool"]


def _same_grid(site: Site) -> bool:
    before, after = site.params(0), site.params(site.output)
    return before is not None and after is not None and _codes(before) == _codes(after)


def _codes(params: QuantParams) -> tuple[float, int]:
    held = params.as_dtype("int8")
    return float(held.scale[0]), int(held.zero_point[0])


def _axes(site: Site) -> tuple[int, ...]:
    array = site.constant(1)
    axes = site.integers("axes") if array is None else tuple(int(axis) for axis in array.reshape(-1))
    return tuple(sorted(axis % site.rank for axis in axes)) or tuple(range(site.rank))


SAME_GRID = Condition("one scale and zero point in and out", _same_grid)
_VALUES_ONLY = Condition("no output of indices", lambda site: len(site.node.outputs) == 1)
_UNDILATED = Condition("dilations of 1", lambda site: set(site.integers("dilations", (1,))) == {1})
_EXACT_COUNT = Condition(
    "floor_mode where pads count",
    lambda site: not (site.integer("count_include_pad") and site.integer("ceil_mode")),
)
_SPATIAL = Condition(
    "all axes but batch and channels, and these constant",
    lambda site: (not site.has_input(1) or site.constant(1) is not None) and _axes(site) == tuple(range(2, site.rank)),
)


def _whole(site: Site) -> Window:
    """A window as large as the image."""
    spatial = sizes(site.input(0))[2:]
    return Window(*(Axis(size, 1, 1, 0, 0, size, 1) for size in ((1, *spatial) if len(spatial) == 1 else spatial)))


def _max(site: Site, write: Listing, frame: Window) -> None:
    at = write.layer("window", window_struct(frame, sizes(site.input(0))[1]))
    held = write.layer("grid", grid(write.params(site.output)))
    x = write.take(site.input(0))
    write.call(site, "max_pool", f"&{at}", f"&{held}", x, write.make(site.output))


def _average(site: Site, write: Listing, frame: Window, count: int) -> None:
    """count: 0 divides by the pixels inside the image."""
    before, after = write.params(site.input(0)), write.params(site.output)
    channels = sizes(site.input(0))[1]
    at = write.layer("window", window_struct(frame, channels))
    held = write.layer("grid", grid(after, *site.clamp_bounds()))
    scale = np.float32(float(before.scale[0]) / float(after.scale[0]))
    x, out = write.take(site.input(0)), write.make(site.output)
    sums = f"(int32_t *){write.scratch(4 * channels)}"
    write.call(site, "average_pool", f"&{at}", f"&{held}", scale, count, int(before.zero_point[0]), x, sums, out)


@lowers("MaxPool", becomes="max_pool", ranks={3, 4}, data=1, conditions=(_VALUES_ONLY, SAME_GRID))
def max_pool(site: Site, write: Listing) -> None:
    _max(site, write, window(site, site.integers("kernel_shape")))


@lowers("GlobalMaxPool", becomes="max_pool", ranks={3, 4}, data=1, conditions=(SAME_GRID,))
@lowers("ReduceMax", becomes="max_pool", ranks={3, 4}, data=1, conditions=(_SPATIAL, SAME_GRID))
def global_max_pool(site: Site, write: Listing) -> None:
    _max(site, write, _whole(site))


@lowers("AveragePool", becomes="average_pool", ranks={3, 4}, data=1, conditions=(_UNDILATED, _EXACT_COUNT), fuses=True)
def average_pool(site: Site, write: Listing) -> None:
    frame = window(site, site.integers("kernel_shape"))
    counted = frame.height.kernel * frame.width.kernel if site.integer("count_include_pad") else 0
    _average(site, write, frame, counted)


@lowers("GlobalAveragePool", becomes="average_pool", ranks={3, 4}, data=1)
@lowers("ReduceMean", becomes="average_pool", ranks={3, 4}, data=1, conditions=(_SPATIAL,))
def global_average_pool(site: Site, write: Listing) -> None:
    _average(site, write, _whole(site), 0)
