"""Pools: MAX_POOL_2D, AVERAGE_POOL_2D, MEAN, REDUCE_MAX."""

from __future__ import annotations

import numpy as np

from .layout import as_is, channels_last, permuted, undo
from .program import Options, Tensor
from .rows import Condition, lowers
from .site import Site, dims
from .window import Axis, Window, padded, window
from .writer import Writer

__all__ = ["average_pool", "global_average_pool", "global_max_pool", "max_pool", "reduce_max", "reduce_mean"]


def _frame(site: Site) -> Window:
    return window(site, site.integers("kernel_shape"))


def _counts_pads(site: Site) -> bool:
    return bool(site.integer("count_include_pad", 0))


def _average_is_sayable(site: Site) -> bool:
    """SAME leaves pads out of the count. Pads that count become a PAD, but not those that ceil_mode makes up."""
    frame = _frame(site)
    if frame.padding == "VALID":
        return True
    if _counts_pads(site):
        return all(axis.used_after <= axis.after for axis in frame.axes)
    return frame.padding == "SAME"


_UNDILATED = Condition("dilations of 1", lambda site: set(site.integers("dilations", (1,))) == {1})
_VALUES_ONLY = Condition("no output of indices", lambda site: len(site.node.outputs) == 1)
_ONE_GRID = Condition("one scale in and out", lambda site: site.keeps_grid)
"""A mean of codes that were requantised first is another: what the output's grid clips would be clipped before."""
_AVERAGE = Condition(
    "pads that SAME says, or count_include_pad without ceil_mode", _average_is_sayable, "set count_include_pad=True"
)


def _image(site: Site, write: Writer) -> Tensor:
    """[N, H, W, C] on the output's grid: pools neither rescale in LiteRT nor in hardware."""
    tensor = write.on_grid(site, write.take(site.input(0), channels_last(site.rank), int8=site.int8))
    return write.reshaped(tensor, (tensor.shape[0], 1, *tensor.shape[1:])) if site.rank == 3 else tensor


def _pool(site: Site, write: Writer, op: str, frame: Window, image: Tensor) -> None:
    sizes = dims(site.output)
    fields = {
        "padding": frame.padding or "VALID", **frame.options,
        "filterHeight": frame.height.kernel, "filterWidth": frame.width.kernel,
        "fusedActivationFunction": write.activation(site),
    }  # fmt: skip
    flat = site.rank == 3
    shape = (sizes[0], *((1,) if flat else ()), *sizes[2:], sizes[1])
    tensor = write.run(site, op, [image], shape, Options("Pool2DOptions", fields))
    if flat:
        tensor = write.reshaped(tensor, (sizes[0], sizes[2], sizes[1]))
    write.finish(site, tensor, channels_last(site.rank))


@lowers(
    "MaxPool", becomes="MAX_POOL_2D", ranks={3, 4}, layout="channels last", data=1,
    conditions=(_UNDILATED, _VALUES_ONLY), fuses=True,
)  # fmt: skip
def max_pool(site: Site, write: Writer) -> None:
    frame, image = _frame(site), _image(site, write)
    if frame.padding is None:
        image = padded(write, image, frame, write.lowest(image))
    _pool(site, write, "MAX_POOL_2D", frame, image)


@lowers(
    "AveragePool", becomes="AVERAGE_POOL_2D", ranks={3, 4}, layout="channels last", data=1,
    conditions=(_UNDILATED, _AVERAGE), int8=(_ONE_GRID,), fuses=True,
)  # fmt: skip
def average_pool(site: Site, write: Writer) -> None:
    frame, image = _frame(site), _image(site, write)
    if _counts_pads(site) and frame.padding != "VALID":
        image = padded(write, image, frame)
        frame = Window(*(_covered(axis.kernel, axis.stride, axis.size_out) for axis in frame.axes))
    _pool(site, write, "AVERAGE_POOL_2D", frame, image)


def _covered(kernel: int, stride: int, size_out: int) -> Axis:
    """The axis after its pads have become part of the image."""
    return Axis(kernel, stride, 1, 0, 0, (size_out - 1) * stride + kernel, size_out)


# Over whole axes


def _over_axes(site: Site, write: Writer, op: str, axes: tuple[int, ...], keep: bool, image: Tensor) -> None:
    """Reduce over ONNX axes `axes`; the tensor keeps the layout that its input has."""
    perm = write.layout(site.input(0))
    places = sorted(undo(perm)[axis] for axis in axes)
    left = [axis for axis in perm if keep or axis not in axes]
    held = tuple(sorted(left).index(axis) for axis in left)
    shape = permuted(dims(site.output), held)
    positions = write.program.constant(f"{site.name}_axes", np.asarray(places, np.int32))
    options = Options("ReducerOptions", {"keepDims": keep})
    write.finish(site, write.run(site, op, [image, positions], shape, options), held)


def _axes(site: Site) -> tuple[int, ...]:
    """Reduced axes, from the input (opset 18) or the attribute; all axes if there are none."""
    array = site.constant(1)
    axes = site.integers("axes") if array is None else tuple(int(axis) for axis in array.reshape(-1))
    return tuple(sorted(axis % site.rank for axis in axes)) or as_is(site.rank)


_KNOWN_AXES = Condition("constant axes", lambda site: not site.has_input(1) or site.constant(1) is not None)
_SOME_AXES = Condition(
    "some axes", lambda site: not (site.integer("noop_with_empty_axes") and _axes(site) == as_is(site.rank))
)


def _take(site: Site, write: Writer) -> Tensor:
    return write.take(site.input(0), write.layout(site.input(0)), int8=site.int8)


def _spatial(site: Site) -> tuple[int, ...]:
    return tuple(range(2, site.rank))


@lowers("GlobalAveragePool", becomes="MEAN", ranks={3, 4}, layout="channels last", data=1)
def global_average_pool(site: Site, write: Writer) -> None:
    _over_axes(site, write, "MEAN", _spatial(site), True, _take(site, write))


@lowers("GlobalMaxPool", becomes="REDUCE_MAX", ranks={3, 4}, layout="channels last", data=1)
def global_max_pool(site: Site, write: Writer) -> None:
    _over_axes(site, write, "REDUCE_MAX", _spatial(site), True, write.on_grid(site, _take(site, write)))


@lowers("ReduceMean", becomes="MEAN", data=1, ranks={1, 2, 3, 4}, conditions=(_KNOWN_AXES, _SOME_AXES))
def reduce_mean(site: Site, write: Writer) -> None:
    _over_axes(site, write, "MEAN", _axes(site), bool(site.integer("keepdims", 1)), _take(site, write))


@lowers("ReduceMax", becomes="REDUCE_MAX", data=1, ranks={1, 2, 3, 4}, conditions=(_KNOWN_AXES, _SOME_AXES))
def reduce_max(site: Site, write: Writer) -> None:
    image = write.on_grid(site, _take(site, write))
    _over_axes(site, write, "REDUCE_MAX", _axes(site), bool(site.integer("keepdims", 1)), image)
