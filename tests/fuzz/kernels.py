"""ONNX's windowed operators in NumPy, in any number of dimensions: one tap at a time, nothing clever.

Arrays are float64 [N, C, positions…]. Attributes have their ONNX names and meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import ceil, floor
from typing import Any

import numpy as np

from .interval import ULP, Array

__all__ = ["average_pool", "conv", "conv_transpose", "max_pool", "pads_of", "read_by_resize", "resize"]

Attributes = dict[str, Any]

_BESIDE = 4 * ULP
"""Of the size of an image: what float32 may lose of a place in it."""


def _each(attributes: Attributes, name: str, count: int, default: int = 1) -> list[int]:
    return list(attributes.get(name) or [default] * count)


def pads_of(attributes: Attributes, sizes: Sequence[int], extents: Sequence[int], strides: Sequence[int]) -> list[int]:
    """Starts, then ends."""
    count, auto = len(sizes), attributes.get("auto_pad", b"NOTSET").decode()
    if auto == "NOTSET":
        return _each(attributes, "pads", 2 * count, 0)
    if auto == "VALID":
        return [0] * 2 * count
    totals = [max((-(-size // s) - 1) * s + e - size, 0) for size, e, s in zip(sizes, extents, strides, strict=True)]
    small, large = [total // 2 for total in totals], [total - total // 2 for total in totals]
    return [*small, *large] if auto == "SAME_UPPER" else [*large, *small]


def _window(
    at: Sequence[int], steps: Sequence[int], dilations: Sequence[int], sizes: Sequence[int]
) -> tuple[slice, ...]:
    """What one tap of the kernel reads for all outputs."""
    return tuple(
        slice(tap * d, tap * d + (size - 1) * s + 1, s)
        for tap, d, s, size in zip(at, dilations, steps, sizes, strict=True)
    )


def conv(x: Array, weight: Array, attributes: Attributes) -> Array:
    """x: [N, C_in, …]. weight: [C_out, C_in / group, …]."""
    kernel, group = weight.shape[2:], attributes.get("group", 1)
    count = len(kernel)
    strides, dilations = _each(attributes, "strides", count), _each(attributes, "dilations", count)
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = pads_of(attributes, x.shape[2:], extents, strides)
    padded = np.pad(x, [(0, 0), (0, 0), *zip(pads[:count], pads[count:], strict=True)])
    sizes = [(have - e) // s + 1 for have, e, s in zip(padded.shape[2:], extents, strides, strict=True)]
    ins, outs = weight.shape[1], weight.shape[0] // group
    sums = np.zeros((x.shape[0], weight.shape[0], *sizes))
    for g, tap in product(range(group), product(*map(range, kernel))):
        read = padded[(slice(None), slice(g * ins, (g + 1) * ins), *_window(tap, strides, dilations, sizes))]
        made = slice(g * outs, (g + 1) * outs)
        sums[:, made] += np.einsum("oi,ni...->no...", weight[(made, slice(None), *tap)], read)
    return sums


def conv_transpose(x: Array, weight: Array, attributes: Attributes) -> Array:
    """x: [N, C_in, …]. weight: [C_in, C_out / group, …]."""
    kernel, group = weight.shape[2:], attributes.get("group", 1)
    count = len(kernel)
    strides, dilations = _each(attributes, "strides", count), _each(attributes, "dilations", count)
    extra = _each(attributes, "output_padding", count, 0)
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    full = [(n - 1) * s + e + more for n, s, e, more in zip(x.shape[2:], strides, extents, extra, strict=True)]
    ins, outs = weight.shape[0] // group, weight.shape[1]
    sums = np.zeros((x.shape[0], outs * group, *full))
    for g, tap in product(range(group), product(*map(range, kernel))):
        made = (slice(None), slice(g * outs, (g + 1) * outs), *_window(tap, strides, dilations, x.shape[2:]))
        sums[made] += np.einsum(
            "io,ni...->no...", weight[(slice(g * ins, (g + 1) * ins), slice(None), *tap)], x[:, g * ins : (g + 1) * ins]
        )
    before, wanted = _cut(attributes, full, x.shape[2:], strides)
    return sums[(..., *(slice(b, b + size) for b, size in zip(before, wanted, strict=True)))]


def _cut(
    attributes: Attributes, full: Sequence[int], sizes: Sequence[int], strides: Sequence[int]
) -> tuple[list[int], list[int]]:
    """How much is cut off in front, and what is left."""
    count, auto = len(full), attributes.get("auto_pad", b"NOTSET").decode()
    shape = list(attributes.get("output_shape", []))[-count:]
    if auto in ("NOTSET", "VALID") and not shape:
        pads = _each(attributes, "pads", 2 * count, 0) if auto == "NOTSET" else [0] * 2 * count
        return pads[:count], [f - a - b for f, a, b in zip(full, pads[:count], pads[count:], strict=True)]
    shape = shape or [size * s for size, s in zip(sizes, strides, strict=True)]
    totals = [max(f - size, 0) for f, size in zip(full, shape, strict=True)]
    upper = auto == "SAME_UPPER"
    return [total // 2 if upper else total - total // 2 for total in totals], shape


def _pool(x: Array, attributes: Attributes, fill: float, reduce: Callable[[list[Array], list[Array]], Array]) -> Array:
    """reduce: of what each tap reads, and of whether it counts (1: inside, 2: a pad that the file asks for)."""
    kernel = list(attributes["kernel_shape"])
    count = len(kernel)
    strides, dilations = _each(attributes, "strides", count), _each(attributes, "dilations", count)
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = pads_of(attributes, x.shape[2:], extents, strides)
    before, after = pads[:count], pads[count:]
    whole = ceil if attributes.get("ceil_mode", 0) else floor
    sizes, over = [], []
    for n, e, s, b, a in zip(x.shape[2:], extents, strides, before, after, strict=True):
        size = whole((n + b + a - e) / s) + 1
        # A window that would start beyond the image and the pads before it is none.
        size -= whole is ceil and (size - 1) * s >= n + b
        sizes.append(int(size))
        over.append(max((int(size) - 1) * s + e - n - b - a, 0))
    around = [(0, 0), (0, 0), *((b, a + o) for b, a, o in zip(before, after, over, strict=True))]
    padded = np.pad(x, around, constant_values=fill)
    asked = np.pad(np.full(x.shape[2:], 1), list(zip(before, after, strict=True)), constant_values=2)
    counts = np.pad(asked, [(0, o) for o in over])
    windows = [_window(tap, strides, dilations, sizes) for tap in product(*map(range, kernel))]
    return reduce([padded[(..., *w)] for w in windows], [counts[w] for w in windows])


def max_pool(x: Array, attributes: Attributes) -> Array:
    return _pool(x, attributes, -np.inf, lambda taps, _: np.maximum.reduce(taps))


def average_pool(x: Array, attributes: Attributes) -> Array:
    counted = (1, 2) if attributes.get("count_include_pad", 0) else (1,)

    def mean(taps: list[Array], kinds: list[Array]) -> Array:
        found: Array = sum(taps) / np.maximum(sum(np.isin(kind, counted) for kind in kinds), 1)
        return found

    return _pool(x, attributes, 0.0, mean)


def resize(
    low: Array, high: Array, scales: Sequence[float], sizes: Sequence[int], attributes: Attributes
) -> tuple[Array, Array]:
    """One axis after the other: each output is a sum of one or two inputs. scales, sizes: of every axis.

    low, high: least and greatest of the input; the same of the output. They differ in outputs of exact inputs as well
    where it is up to float32's rounding which of two pixels is the nearest.
    """
    for axis, (scale, size) in enumerate(zip(scales, sizes, strict=True)):
        if scale != 1.0 or size != low.shape[axis]:
            shares = [_weights(low.shape[axis], size, scale, attributes, beside) for beside in (0.0, -_BESIDE, _BESIDE)]
            lows, highs = (
                [np.moveaxis(np.tensordot(matrix, end, (1, axis)), 0, axis) for matrix in shares] for end in (low, high)
            )
            low, high = np.minimum.reduce(lows), np.maximum.reduce(highs)
    return low, high


def read_by_resize(
    low: Array, high: Array, scales: Sequence[float], sizes: Sequence[int], attributes: Attributes
) -> tuple[Array, Array]:
    """Least and greatest of the inputs that each output of `resize` is a sum of."""
    for axis, (scale, size) in enumerate(zip(scales, sizes, strict=True)):
        if scale != 1.0 or size != low.shape[axis]:
            pixels = [np.flatnonzero(row) for row in _weights(low.shape[axis], size, scale, attributes)]
            low, high = (
                np.stack([pick(end.take(read, axis), axis=axis) for read in pixels], axis)
                for end, pick in ((low, np.min), (high, np.max))
            )
    return low, high


def source(size_in: int, size_out: int, scale: float, mode: str) -> Array:
    """Where each output lies in the input. ONNX, operator Resize, `coordinate_transformation_mode`."""
    x = np.arange(size_out, dtype=np.float64)
    if mode == "align_corners":
        return x * ((size_in - 1) / (size_out - 1)) if size_out > 1 else np.zeros(1)
    if mode == "asymmetric":
        return x / scale
    if mode == "pytorch_half_pixel" and size_out == 1:
        return np.zeros(1)
    found = (x + 0.5) / scale - 0.5
    if mode == "half_pixel_symmetric":
        found += size_in / 2 * (1 - size_out / (scale * size_in))
    return found


def _weights(size_in: int, size_out: int, scale: float, attributes: Attributes, beside: float = 0.0) -> Array:
    """[size_out, size_in]: the share of each input in each output.

    beside: of the image, how far off each nearest one is looked for where one step is no float32 number. 7 · (23 / 7),
    say, is 23 or a little less, and the floor of that another pixel.
    """
    mode = attributes.get("coordinate_transformation_mode", b"half_pixel").decode()
    at = source(size_in, size_out, scale, mode)
    matrix, rows = np.zeros((size_out, size_in)), np.arange(size_out)
    if attributes.get("mode", b"nearest") == b"nearest":
        step = (size_in - 1) / max(size_out - 1, 1) if mode == "align_corners" else 1 / scale
        if step != float(np.float32(step)):
            at = at + beside * size_in
        rounded = {
            "round_prefer_floor": np.ceil(at - 0.5), "round_prefer_ceil": np.floor(at + 0.5),
            "floor": np.floor(at), "ceil": np.ceil(at),
        }[attributes.get("nearest_mode", b"round_prefer_floor").decode()]  # fmt: skip
        matrix[rows, np.clip(rounded, 0, size_in - 1).astype(int)] = 1
        return matrix
    at = np.clip(at, 0, size_in - 1)
    first = np.minimum(np.floor(at).astype(int), size_in - 1)
    second = np.minimum(first + 1, size_in - 1)
    np.add.at(matrix, (rows, first), 1 - (at - first))
    np.add.at(matrix, (rows, second), at - first)
    return matrix
