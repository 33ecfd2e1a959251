"""Resize: RESIZE_NEAREST_NEIGHBOR, RESIZE_BILINEAR.

ONNX has five ways to map an output pixel to the input and four to round; TFLite has three ways and one to round. Names
that sound alike differ, and differ only for some sizes, so the maps themselves are compared, pixel by pixel.

1-D values are resized as images of height 1. 3-D ones as images twice: [N·D, H, W, C], then [N, D, H·W, C].
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .layout import channels_last
from .program import Options, Tensor
from .rows import Condition, lowers
from .site import Site, dims
from .writer import Writer

__all__ = ["resize"]

_WAYS = ({"alignCorners": False, "halfPixelCenters": True}, {"alignCorners": False, "halfPixelCenters": False},
         {"alignCorners": True, "halfPixelCenters": False})  # fmt: skip


def _scales(site: Site) -> tuple[float, ...]:
    """ONNX's scale of each axis: as given, or from the sizes."""
    given = site.constant(2)
    before, after = dims(site.input(0)), dims(site.output)
    if given is not None and given.size:
        axes = site.integers("axes") or tuple(range(site.rank))
        scales = [1.0] * site.rank
        for axis, scale in zip(axes, given.reshape(-1), strict=True):
            scales[axis] = float(scale)
        return tuple(scales)
    return tuple(1.0 if old == new else new / old for old, new in zip(before, after, strict=True))


def _source(site: Site, axis: int) -> NDArray[np.float64] | None:
    """Where each output pixel of an axis lies in the input, as ONNX maps it; None of a map that TFLite lacks."""
    size_in, size_out, scale = dims(site.input(0))[axis], dims(site.output)[axis], _scales(site)[axis]
    x = np.arange(size_out, dtype=np.float64)
    mode = site.text("coordinate_transformation_mode", "half_pixel")
    if mode == "half_pixel" or (mode == "pytorch_half_pixel" and size_out > 1):
        return (x + 0.5) / scale - 0.5
    if mode == "pytorch_half_pixel":
        return np.zeros(1)
    if mode == "asymmetric":
        return x / scale
    if mode == "align_corners":
        return x * ((size_in - 1) / (size_out - 1)) if size_out > 1 else np.zeros(1)
    return None


def _tflite_source(way: dict[str, bool], size_in: int, size_out: int, *, nearest: bool) -> NDArray[np.float64]:
    """The same of TFLite: reference_ops::ResizeBilinear and ResizeNearestNeighbor."""
    x = np.arange(size_out, dtype=np.float64)
    aligned = way["alignCorners"] and size_out > 1
    scale = (size_in - 1) / (size_out - 1) if aligned else size_in / size_out
    if not way["halfPixelCenters"]:
        return x * scale
    return (x + 0.5) * scale if nearest else (x + 0.5) * scale - 0.5


def _nearest(site: Site, source: NDArray[np.float64], size_in: int) -> NDArray[np.int64]:
    mode = site.text("nearest_mode", "round_prefer_floor")
    rounded = {
        "floor": np.floor(source),
        "ceil": np.ceil(source),
        "round_prefer_floor": np.ceil(source - 0.5),
        "round_prefer_ceil": np.floor(source + 0.5),
    }[mode]
    return np.clip(rounded, 0, size_in - 1).astype(np.int64)


def _agrees(site: Site, way: dict[str, bool], axis: int) -> bool:
    size_in, size_out = dims(site.input(0))[axis], dims(site.output)[axis]
    source = _source(site, axis)
    if source is None:
        return False
    if site.text("mode", "nearest") == "nearest":
        other = _tflite_source(way, size_in, size_out, nearest=True)
        rounded = np.floor(other + 0.5) if way["alignCorners"] else np.floor(other)
        wanted = _nearest(site, source, size_in)
        return np.array_equal(np.clip(rounded, 0, size_in - 1).astype(np.int64), wanted)
    other = np.clip(_tflite_source(way, size_in, size_out, nearest=False), 0, size_in - 1)
    return bool(np.allclose(np.clip(source, 0, size_in - 1), other, rtol=0, atol=1e-6))


def _agreeing(site: Site) -> Iterator[dict[str, bool]]:
    return (way for way in _WAYS if all(_agrees(site, way, axis) for axis in range(2, site.rank)))


def _rounds_once(site: Site) -> bool:
    return site.rank < 5 or site.text("mode", "nearest") == "nearest"


def _only_spatial(site: Site) -> bool:
    return dims(site.input(0))[:2] == dims(site.output)[:2] and _scales(site)[:2] == (1.0, 1.0)


_SIZES = Condition(
    "constant sizes", lambda site: all(not site.has_input(i) or site.constant(i) is not None for i in (2, 3))
)
_MODE = Condition(
    "mode nearest or linear, without antialias",
    lambda site: site.text("mode", "nearest") in ("nearest", "linear") and not site.integer("antialias"),
    "use bilinear",
)
_SPATIAL = Condition("batch and channels left alone", _only_spatial)
_ONE_GRID = Condition(
    "nearest, or one scale in and out", lambda site: site.text("mode", "nearest") == "nearest" or site.keeps_grid
)
"""What the output's grid clips would be clipped before it is averaged."""
_MAP = Condition(
    "a map of pixels that TFLite has (half pixel, align corners, asymmetric)",
    lambda site: next(_agreeing(site), None) is not None,
    "resize by whole factors, or bilinear with align_corners=False",
)


@lowers(
    "Resize", becomes="RESIZE_BILINEAR, RESIZE_NEAREST_NEIGHBOR", ranks={3, 4, 5}, layout="channels last", data=1,
    conditions=(_SIZES, _MODE, _SPATIAL, _MAP),
    int8=(Condition("nearest, or at most two directions", _rounds_once), _ONE_GRID),
)  # fmt: skip
def resize(site: Site, write: Writer) -> None:
    perm = channels_last(site.rank)
    tensor = write.on_grid(site, write.take(site.input(0), perm, int8=site.int8))
    batch, channels, *sizes = dims(site.output)
    last = tensor.shape[-2]
    if site.rank == 5:
        depth, height, _ = tensor.shape[1:4]
        tensor = write.reshaped(tensor, (-1 if batch < 0 else batch * depth, height, last, channels))
        tensor = _image(site, write, tensor, sizes[1], sizes[2], "_images")
        tensor = write.reshaped(tensor, (batch, depth, sizes[1] * sizes[2], channels))
        tensor = _image(site, write, tensor, sizes[0], sizes[1] * sizes[2])
    else:
        tensor = write.reshaped(tensor, (batch, tensor.shape[1] if site.rank == 4 else 1, last, channels))
        tensor = _image(site, write, tensor, sizes[0] if site.rank == 4 else 1, sizes[-1])
    write.finish(site, write.reshaped(tensor, (batch, *sizes, channels)), perm)


def _image(site: Site, write: Writer, tensor: Tensor, height: int, width: int, suffix: str = "") -> Tensor:
    """[N, H, W, C] at another height and width."""
    if tensor.shape[1:3] == (height, width):
        return tensor
    nearest = site.text("mode", "nearest") == "nearest"
    op, kind = ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions") if nearest else (
        "RESIZE_BILINEAR", "ResizeBilinearOptions")  # fmt: skip
    size = write.program.constant(f"{site.name}_size", np.asarray([height, width], np.int32))
    options = Options(kind, next(_agreeing(site)))
    shape = (tensor.shape[0], height, width, tensor.shape[3])
    return write.run(site, op, [tensor, size], shape, options, suffix=suffix)
