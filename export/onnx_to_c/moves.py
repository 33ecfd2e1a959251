"""Ops that only move codes: shapes, transposing, slicing, joining, padding."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import onnx_ir as ir

from ..onnx_to_tflite.layout import moves_data
from ..onnx_to_tflite.rows import Condition
from ..onnx_to_tflite.site import Site
from .axes import collapsed, steps_of
from .listing import Listing, held_order, initializer, sizes
from .pool import SAME_GRID
from .rows import lowers

__all__ = ["concat", "expand", "pad", "reshape", "slice_", "split", "transpose"]

_RANK = 6
_LOW_RANK = Condition("at most 6 axes", lambda site: max(site.rank, len(sizes(site.output))) <= _RANK)


def _all_same_grid(site: Site) -> bool:
    grids = [
        params.as_dtype("int8")
        for value in (*site.node.inputs, *site.outputs)
        if value is not None and (params := site.params(value)) is not None
    ]
    return len({(float(each.scale[0]), int(each.zero_point[0])) for each in grids}) == 1


def along(value: ir.Value) -> tuple[int, ...]:
    """Steps of `value` along ONNX's axes."""
    shape = sizes(value)
    order = held_order(len(shape))
    held = dict(zip(order, steps_of([shape[axis] for axis in order]), strict=True))
    return tuple(held[axis] for axis in range(len(shape)))


def _move(
    site: Site, write: Listing, shape: Sequence[int], x: str, source: Sequence[int], out: str, into: Sequence[int]
) -> None:
    """shape, source, into: sizes and steps along the same axes, in the order of ONNX; the walk follows `into`."""
    order = sorted(range(len(shape)), key=lambda axis: -into[axis])
    walk, (first, second) = collapsed(
        [shape[axis] for axis in order], [source[axis] for axis in order], [into[axis] for axis in order], rank=_RANK
    )
    name = write.layer("move", initializer(walk, first, second))
    write.call(site, "move", f"&{name}", x, out)


# Shapes


def _moves(value: ir.Value) -> bool:
    shape = sizes(value)
    return moves_data(shape, held_order(len(shape)))


@lowers(
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", becomes="move, or nothing", data=1,
    conditions=(SAME_GRID, _LOW_RANK),
)  # fmt: skip
def reshape(site: Site, write: Listing) -> None:
    """By way of ONNX's order, which is the one that these ops speak of."""
    source, result = site.input(0), site.output
    if sizes(source) == sizes(result) or not (_moves(source) or _moves(result)):
        write.alias(result, source)
        return
    x = write.take(source)
    if _moves(source):
        shape = sizes(source)
        plain = write.make(result) if not _moves(result) else write.scratch(prod(shape), "plain")
        _move(site, write, shape, x, along(source), plain, steps_of(shape))
        x = write.again(plain)
    if _moves(result):
        shape = sizes(result)
        _move(site, write, shape, x, steps_of(shape), write.make(result), along(result))


@lowers("Transpose", becomes="move", data=1, conditions=(SAME_GRID, _LOW_RANK))
def transpose(site: Site, write: Listing) -> None:
    perm = site.integers("perm", tuple(reversed(range(site.rank))))
    source = along(site.input(0))
    x, out = write.take(site.input(0)), write.make(site.output)
    _move(site, write, sizes(site.output), x, [source[axis] for axis in perm], out, along(site.output))


@lowers("Expand", becomes="move", data=1, conditions=(SAME_GRID, _LOW_RANK))
def expand(site: Site, write: Listing) -> None:
    shape, own, source = sizes(site.output), sizes(site.input(0)), along(site.input(0))
    ahead = len(shape) - len(own)
    steps = [0] * ahead + [0 if size == 1 else step for size, step in zip(own, source, strict=True)]
    x, out = write.take(site.input(0)), write.make(site.output)
    _move(site, write, shape, x, steps, out, along(site.output))


# Parts


def _known(site: Site, *places: int) -> bool:
    return all(not site.has_input(place) or site.constant(place) is not None for place in places)


@lowers(
    "Slice", becomes="move", data=1,
    conditions=(
        Condition("constant starts, ends, axes and steps", lambda site: _known(site, 1, 2, 3, 4)), SAME_GRID, _LOW_RANK,
    ),
)  # fmt: skip
def slice_(site: Site, write: Listing) -> None:
    shape, steps = sizes(site.input(0)), list(along(site.input(0)))
    starts, ends = (np.asarray(site.constant(place)).tolist() for place in (1, 2))
    axes = np.asarray(site.constant(3)).tolist() if site.has_input(3) else range(len(starts))
    strides = np.asarray(site.constant(4)).tolist() if site.has_input(4) else [1] * len(starts)
    offset = 0
    for axis, start, end, stride in zip(axes, starts, ends, strides, strict=True):
        first, _, _ = slice(start, end, stride).indices(shape[axis])
        offset += first * steps[axis]
        steps[axis] *= stride
    x, out = write.take(site.input(0)), write.make(site.output)
    _move(site, write, sizes(site.output), f"{x} + {offset}", steps, out, along(site.output))


@lowers("Split", becomes="move", data=1, conditions=(Condition("one grid", _all_same_grid), _LOW_RANK))
def split(site: Site, write: Listing) -> None:
    axis, steps, start = site.axis(0), along(site.input(0)), 0
    for value in site.outputs:
        x, out = write.take(site.input(0)), write.make(value)
        _move(site, write, sizes(value), f"{x} + {start * steps[axis]}", steps, out, along(value))
        start += sizes(value)[axis]


@lowers("Concat", becomes="move", conditions=(Condition("one grid", _all_same_grid), _LOW_RANK))
def concat(site: Site, write: Listing) -> None:
    into, start = along(site.output), 0
    axis = site.axis(0)
    out = write.make(site.output)
    for value in site.node.inputs:
        if value is None:
            continue
        x = write.take(value)
        _move(site, write, sizes(value), x, along(value), f"{write.again(out)} + {start * into[axis]}", into)
        start += sizes(value)[axis]


def _fill(site: Site) -> float:
    array = site.constant(2)
    return 0.0 if array is None else float(array.reshape(()))


@lowers(
    "Pad", becomes="memset and move", data=1,
    conditions=(
        Condition("constant, non-negative pads of one value", lambda site: _pads(site) is not None), SAME_GRID,
        _LOW_RANK,
    ),
)  # fmt: skip
def pad(site: Site, write: Listing) -> None:
    pads = _pads(site)
    if pads is None:
        raise AssertionError("checked before")
    into = along(site.output)
    x, out = write.take(site.input(0)), write.make(site.output)
    write.call(site, "memset", out, write.params(site.output).code_of(_fill(site)), prod(sizes(site.output)))
    offset = sum(before * step for before, step in zip(pads, into, strict=True))
    x, out = write.take(site.input(0)), write.again(out)
    _move(site, write, sizes(site.input(0)), x, along(site.input(0)), f"{out} + {offset}", into)


def _pads(site: Site) -> tuple[int, ...] | None:
    """What goes before each axis; None of what this kernel does not do."""
    if site.text("mode", "constant") != "constant" or not _known(site, 1, 2, 3):
        return None
    given = np.asarray(site.constant(1)).tolist()
    axes = np.asarray(site.constant(3)).tolist() if site.has_input(3) else range(site.rank)
    before = [0] * site.rank
    for place, axis in enumerate(axes):
        before[axis] = given[place]
    return None if min(given) < 0 else tuple(before)
