"""Conv: pointwise as a matrix product, depthwise, and everything else by laying its windows out as rows."""

from __future__ import annotations

from ...graph.kinds import Kind
from ..onnx_to_tflite.layout import channels_last
from ..onnx_to_tflite.rows import Condition
from ..onnx_to_tflite.site import Site
from ..onnx_to_tflite.window import Window, window
from .dense import LAYER_RULES, Layer, dense_struct, near_rows, padded_to
from .listing import Listing, initializer, sizes
from .rows import lowers

__all__ = ["conv", "depthwise", "window_struct"]

_LANES = 8
_MOST_ROWS = 16
"""Of `rows` in kernels/depthwise.c."""


def window_struct(frame: Window, channels: int) -> str:
    """struct window. channels: of the input."""
    high, wide = frame.axes
    pairs = ("size_out", "kernel", "stride", "dilation", "before")
    return initializer(
        high.size_in, wide.size_in, channels,
        *(getattr(axis, part) for part in pairs for axis in (high, wide)),
    )  # fmt: skip


def _kernel(site: Site) -> tuple[int, ...]:
    return sizes(site.input(1))[2:]


_LOW_KERNEL = Condition(f"a kernel of at most {_MOST_ROWS} rows", lambda site: _kernel(site)[0] <= _MOST_ROWS)


@lowers(
    "Conv", becomes="depthwise", kinds={Kind.DEPTHWISE}, ranks={3, 4}, data=2,
    conditions=(_LOW_KERNEL, *LAYER_RULES), fuses=True,
)  # fmt: skip
def depthwise(site: Site, write: Listing) -> None:
    layer, frame = Layer(site), window(site, _kernel(site))
    channels, before = layer.weights.shape[0], sizes(site.input(0))[1]
    high, wide = frame.axes
    taps = layer.weights.reshape(channels, high.kernel, wide.kernel).transpose(1, 2, 0)
    parts = [write.blob.add(padded_to(array, _LANES, -1)) for array in (taps, layer.bias, layer.scale)]
    struct = initializer(*parts, channels, channels // before, layer.zero, layer.grid, window_struct(frame, before))
    name = write.layer("depthwise", struct)
    width = max((wide.size_out - 1) * wide.stride + wide.extent, wide.before)
    x, out = write.take(site.input(0)), write.make(site.output)
    ring = write.scratch(high.extent * width * channels)
    write.call(site, "depthwise", f"&{name}", x, ring, width, out)


@lowers(
    "Conv", becomes="dense or conv", ranks={3, 4}, data=2,
    kinds={Kind.STANDARD, Kind.POINTWISE, Kind.SPATIALLY_SEPARABLE, Kind.GROUPED},
    conditions=LAYER_RULES, fuses=True,
)  # fmt: skip
def conv(site: Site, write: Listing) -> None:
    layer, frame = Layer(site), window(site, _kernel(site))
    groups, channels, before = site.integer("group", 1), layer.weights.shape[0], sizes(site.input(0))[1]
    rows = layer.weights.transpose(channels_last(site.rank)).reshape(channels, -1)
    each = channels // groups
    layers = [dense_struct(write, layer, slice(g * each, (g + 1) * each), rows) for g in range(groups)]
    name = write.array("dense", layers)
    x, out = write.take(site.input(0)), write.make(site.output)
    if groups == 1 and _is_pixel(frame):
        pixels = frame.height.size_out * frame.width.size_out
        write.call(site, "dense", name, x, pixels, before, near_rows(before), out, channels)
        return
    stride = -(-rows.shape[1] // 8) * 8
    many = near_rows(stride)
    at = write.layer("window", window_struct(frame, before))
    scratch = write.scratch(many * stride)
    write.call(site, "conv", name, groups, before // groups, f"&{at}", x, layer.zero, scratch, many, out)


def _is_pixel(frame: Window) -> bool:
    return all(
        axis.kernel == axis.stride == 1 and axis.before == 0 and axis.size_in == axis.size_out for axis in frame.axes
    )
