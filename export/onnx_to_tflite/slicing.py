"""Concat, Split, Slice, Pad, Gather: axes are given in ONNX's order and written in the tensor's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .layout import Perm, permuted, undo
from .program import Options, Tensor
from .rows import Condition, lowers
from .site import Site, constant, dims
from .window import pad
from .writer import Writer

__all__ = ["concat", "gather", "padding", "slices", "split"]


def _take(site: Site, write: Writer) -> tuple[Tensor, Perm]:
    """Input 0 on the output's grid, in the layout of the class."""
    perm = write.layout(site.output)
    return write.on_grid(site, write.take(site.input(0), perm, int8=site.int8)), perm


def _ints(write: Writer, name: str, values: Any) -> Tensor:
    return write.program.constant(name, np.asarray(values, np.int32))


# Concat


def _per_tensor(site: Site) -> bool:
    found = [site.params(value) for value in site.node.inputs if value is not None]
    return all(params is None or not params.per_channel for params in found)


@lowers("Concat", becomes="CONCATENATION", int8=(Condition("scales per tensor", _per_tensor),))
def concat(site: Site, write: Writer) -> None:
    """On codes: inputs on other grids are requantised first, LiteRT's kernel only copies."""
    perm = write.layout(site.output)
    values = [value for value in site.node.inputs if value is not None]
    tensors = [write.on_grid(site, write.take(value, perm, int8=site.int8)) for value in values]
    axis = undo(perm)[site.axis(0)]
    options = Options("ConcatenationOptions", {"axis": axis, "fusedActivationFunction": "NONE"})
    shape = permuted(dims(site.output), perm)
    write.finish(site, write.run(site, "CONCATENATION", tensors, shape, options), perm)


# Split


def _one_grid(site: Site) -> bool:
    """Each part on the grid of the whole; otherwise the split runs in float."""
    first, *rest = (site.params(value) for value in (site.input(0), *site.node.outputs))
    return first is None or all(
        params is not None
        and np.array_equal(params.scale, first.scale)
        and np.array_equal(params.zero_point, first.zero_point)
        for params in rest
    )


@lowers("Split", becomes="SPLIT, or a SLICE a part", data=1, int8=(Condition("one scale for all parts", _one_grid),))
def split(site: Site, write: Writer) -> None:
    """SPLIT for equal parts. Others are SLICEs: XNNPACK leaves SPLIT_V to the built-in kernels."""
    value = site.input(0)
    perm, axis = write.layout(value), site.axis(0)
    tensor = write.take(value, perm, int8=site.int8)
    sizes = [dims(part)[axis] for part in site.node.outputs]
    if len(set(sizes)) > 1:
        _slice_parts(site, write, tensor, perm, np.cumsum([0, *sizes]))
        return
    parts = [
        write.program.tensor(part.name or "", permuted(dims(part), perm), tensor.dtype, tensor.quantization)
        for part in site.node.outputs
    ]
    place = _ints(write, f"{site.name}_axis", undo(perm)[axis])
    write.program.add("SPLIT", [place, tensor], parts, Options("SplitOptions", {"numSplits": len(parts)}))
    for part, held in zip(site.node.outputs, parts, strict=True):
        write.give(part, held, perm)


def _slice_parts(site: Site, write: Writer, tensor: Tensor, perm: Perm, starts: NDArray[np.int64]) -> None:
    axis = site.axis(0)
    for part, start in zip(site.node.outputs, starts, strict=False):
        begin = [int(start) if place == axis else 0 for place in range(site.rank)]
        name, shape = part.name or "", permuted(dims(part), perm)
        inputs = [tensor, _ints(write, f"{name}_begin", permuted(begin, perm)), _ints(write, f"{name}_extent", shape)]
        sliced = write.emit(
            "SLICE", inputs, shape, Options("SliceOptions", {}),
            name=name, dtype=tensor.dtype, grid=tensor.quantization,
        )  # fmt: skip
        write.give(part, sliced, perm)


# Slice


def _settings(site: Site) -> list[NDArray[Any]] | None:
    """Starts, ends, axes, steps of a Slice; None if one is computed."""
    found = []
    for index in range(1, 5):
        array = site.constant(index)
        if array is None and site.has_input(index):
            return None
        found.append(array)
    starts, ends, axes, steps = found
    if starts is None or ends is None:
        return None
    return [
        starts.reshape(-1),
        ends.reshape(-1),
        np.arange(starts.size) if axes is None else axes.reshape(-1) % site.rank,
        np.ones(starts.size, np.int64) if steps is None else steps.reshape(-1),
    ]


def _forward(site: Site) -> bool:
    settings = _settings(site)
    return settings is not None and bool(np.all(settings[3] > 0))


def _leaves_batch(site: Site) -> bool:
    settings = _settings(site)
    shape = dims(site.input(0))
    return settings is None or all(shape[int(axis)] >= 0 for axis in settings[2])


@lowers(
    "Slice", becomes="SLICE or STRIDED_SLICE", data=1, ranks={1, 2, 3, 4, 5},
    conditions=(
        Condition("constant bounds and steps above 0", _forward),
        Condition("a fixed size on the axes that it cuts", _leaves_batch),
    ),
)  # fmt: skip
def slices(site: Site, write: Writer) -> None:
    settings = _settings(site)
    if settings is None:
        raise AssertionError("checked before")
    tensor, perm = _take(site, write)
    shape = dims(site.input(0))
    begin, end, step = [0] * len(shape), list(shape), [1] * len(shape)
    for start, stop, axis, stride in zip(*settings, strict=True):
        first, last, _ = slice(int(start), int(stop)).indices(shape[int(axis)])
        begin[int(axis)], end[int(axis)], step[int(axis)] = first, last, int(stride)
    out = permuted(dims(site.output), perm)
    start_tensor = _ints(write, f"{site.name}_begin", permuted(begin, perm))
    if set(step) == {1}:
        inputs = [tensor, start_tensor, _ints(write, f"{site.name}_extent", out)]
        write.finish(site, write.run(site, "SLICE", inputs, out, Options("SliceOptions", {})), perm)
        return
    inputs = [
        tensor, start_tensor,
        _ints(write, f"{site.name}_end", permuted(end, perm)), _ints(write, f"{site.name}_step", permuted(step, perm)),
    ]  # fmt: skip
    batch = sum(1 << place for place, size in enumerate(permuted(end, perm)) if size < 0)
    options = Options("StridedSliceOptions", {"beginMask": batch, "endMask": batch})
    write.finish(site, write.run(site, "STRIDED_SLICE", inputs, out, options), perm)


# Pad


def _pads(site: Site) -> list[tuple[int, int]] | None:
    """(before, after) of every ONNX axis; None if computed."""
    array, axes = site.constant(1), site.constant(3)
    if array is None or (site.has_input(3) and axes is None):
        return None
    which = range(site.rank) if axes is None else [int(axis) % site.rank for axis in axes.reshape(-1)]
    values = [int(value) for value in array.reshape(-1)]
    pads = [(0, 0)] * site.rank
    for place, axis in enumerate(which):
        pads[axis] = (values[place], values[place + len(values) // 2])
    return pads


def _outward(site: Site) -> bool:
    pads = _pads(site)
    return pads is not None and min(min(pair) for pair in pads) >= 0


def _known_lengths(site: Site) -> bool:
    return all(size > 0 or pair == (0, 0) for size, pair in zip(dims(site.input(0)), _pads(site) or [], strict=False))


def _mode(site: Site) -> str:
    return site.text("mode", "constant")


def _fill(site: Site) -> float | None:
    """The value that a constant pad writes; None if it is computed."""
    if not site.has_input(2):
        return 0.0
    array = constant(site.node.inputs[2])
    return None if array is None else float(array.reshape(()))


_PAD_CONDITIONS = (
    Condition("constant pads of 0 or more", _outward),
    Condition("pads of axes whose length is known", _known_lengths),
    Condition("a constant fill", lambda site: _fill(site) is not None),
)


@lowers(
    "Pad", becomes="PAD, PADV2, MIRROR_PAD (reflect), or SLICE and CONCATENATION (edge, wrap)", data=1,
    ranks={1, 2, 3, 4, 5}, conditions=_PAD_CONDITIONS,
)  # fmt: skip
def padding(site: Site, write: Writer) -> None:
    tensor, perm = _take(site, write)
    pads = list(permuted(_pads(site) or [], perm))
    fill = _fill(site) or 0.0
    if _mode(site) == "reflect":
        widths = _ints(write, f"{site.name}_pads", pads)
        options = Options("MirrorPadOptions", {"mode": "REFLECT"})
        shape = permuted(dims(site.output), perm)
        write.finish(site, write.run(site, "MIRROR_PAD", [tensor, widths], shape, options), perm)
        return
    if _mode(site) in ("edge", "wrap"):
        for axis, (before, after) in enumerate(pads):
            tensor = _continued(site, write, tensor, axis, before, after)
        write.finish(site, tensor, perm)
        return
    constant_fill = write.scalar(f"{site.name}_fill", fill, tensor.quantization) if fill else None
    write.finish(site, pad(write, tensor, pads, constant_fill), perm)


def _continued(site: Site, write: Writer, tensor: Tensor, axis: int, before: int, after: int) -> Tensor:
    """One axis with its border repeated (edge) or its other end set before and behind it (wrap)."""
    if not before and not after:
        return tensor
    size = tensor.shape[axis]
    if _mode(site) == "edge":
        runs = [(0, 1)] * before + [(0, size)] + [(size - 1, 1)] * after
    else:
        (times_before, some_before), (times_after, some_after) = divmod(before, size), divmod(after, size)
        runs = [(size - some_before, some_before), *[(0, size)] * (times_before + 1 + times_after), (0, some_after)]
    pieces: dict[tuple[int, int], Tensor] = {(0, size): tensor}
    for start, length in runs:
        if length and (start, length) not in pieces:
            begin = [start if place == axis else 0 for place in range(len(tensor.shape))]
            extent = [length if place == axis else whole for place, whole in enumerate(tensor.shape)]
            name = f"{tensor.name}_from_{start}"
            inputs = [tensor, _ints(write, f"{name}_begin", begin), _ints(write, f"{name}_extent", extent)]
            pieces[start, length] = write.emit(
                "SLICE", inputs, extent, Options("SliceOptions", {}),
                name=name, dtype=tensor.dtype, grid=tensor.quantization,
            )  # fmt: skip
    shape = [whole + (before + after if place == axis else 0) for place, whole in enumerate(tensor.shape)]
    options = Options("ConcatenationOptions", {"axis": axis, "fusedActivationFunction": "NONE"})
    return write.emit(
        "CONCATENATION", [pieces[run] for run in runs if run[1]], shape, options,
        name=f"{tensor.name}_padded", dtype=tensor.dtype, grid=tensor.quantization,
    )  # fmt: skip


# Gather


def _indices(site: Site) -> NDArray[Any] | None:
    array = site.constant(1)
    return None if array is None or array.ndim > 1 else array


@lowers(
    "Gather", becomes="GATHER", data=1, ranks={1, 2, 3, 4},
    conditions=(Condition("constant indices of rank 0 or 1", lambda site: _indices(site) is not None),),
)  # fmt: skip
def gather(site: Site, write: Writer) -> None:
    indices, value = _indices(site), site.input(0)
    if indices is None:
        raise AssertionError("checked before")
    axis, perm = site.axis(0), write.layout(value)
    tensor = write.on_grid(site, write.take(value, perm, int8=site.int8))
    places = _ints(write, f"{site.name}_indices", indices % dims(value)[axis])
    left = [other for other in perm if indices.ndim or other != axis]
    held = tuple(sorted(left).index(other) for other in left)
    options = Options("GatherOptions", {"axis": undo(perm)[axis], "batchDims": 0})
    shape = permuted(dims(site.output), held)
    write.finish(site, write.run(site, "GATHER", [tensor, places], shape, options), held)
