"""Add, Sub, Mul with NumPy's broadcasting."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from ..onnx_to_tflite.rows import Condition
from ..onnx_to_tflite.site import Site
from .axes import collapsed, steps_of
from .listing import Listing, grid, held_order, initializer, sizes
from .rows import lowers

__all__ = ["add", "mul"]

_RANK = 4
_LOW_RANK = Condition("a result of at most 4 axes", lambda site: len(sizes(site.output)) <= _RANK)


def _steps(value: ir.Value, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Steps of an operand along the axes of the result as that lies; 0 where it is repeated."""
    own = sizes(value)
    order = held_order(len(own))
    held = dict(zip(order, steps_of([own[axis] for axis in order]), strict=True))
    ahead = len(shape) - len(own)
    along = [0 if axis < ahead or own[axis - ahead] == 1 else held[axis - ahead] for axis in range(len(shape))]
    return tuple(along[axis] for axis in held_order(len(shape)))


def _write(site: Site, write: Listing, kernel: str, scales: tuple[float, float]) -> None:
    left, right = site.input(0), site.input(1)
    shape = sizes(site.output)
    walk, (first, second) = collapsed(write.held(site.output), _steps(left, shape), _steps(right, shape), rank=_RANK)
    zeros = [int(write.params(value).zero_point[0]) for value in (left, right)]
    held = grid(write.params(site.output), *site.clamp_bounds())
    name = write.layer("pair", initializer(walk, first, second, *zeros, *map(np.float32, scales), held))
    x, y = write.take(left), write.take(right)
    write.call(site, kernel, f"&{name}", x, y, write.make(site.output))


def _scales(site: Site, write: Listing) -> tuple[float, float, float]:
    """In float64, so that each ratio is rounded once."""
    left, right, out = (float(write.params(value).scale[0]) for value in (site.input(0), site.input(1), site.output))
    return left, right, out


@lowers("Add", "Sub", becomes="add", data=2, conditions=(_LOW_RANK,), fuses=True)
def add(site: Site, write: Listing) -> None:
    left, right, out = _scales(site, write)
    sign = -1 if site.node.op_type == "Sub" else 1
    _write(site, write, "add", (left / out, sign * right / out))


@lowers("Mul", becomes="mul", data=2, conditions=(_LOW_RANK,), fuses=True)
def mul(site: Site, write: Listing) -> None:
    left, right, out = _scales(site, write)
    _write(site, write, "mul", (left * right / out, 0.0))
