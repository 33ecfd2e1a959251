"""Two operands with all the ways in which they broadcast, and functions of one."""

from __future__ import annotations

from typing import Any

import numpy as np

from .draft import Draft, Value
from .draw_layers import clamped
from .families import draws
from .grids import fitted, held
from .interval import Array

__all__: list[str] = []


def _broadcasts(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    try:
        shape = np.broadcast_shapes(one, other)
    except ValueError:
        return False
    return int(np.prod(shape)) <= 6000


def _constant_shape(draft: Draft, shape: tuple[int, ...]) -> tuple[int, ...]:
    sort = draft.pick(("scalar", "channels", "full", "some", "last", "one"))
    if draft.dynamic and sort in ("full", "some"):
        sort = "last"
    if sort == "scalar" or not shape:
        return ()
    if sort == "one":
        return (1,)
    if sort == "channels" and len(shape) >= 2:
        return (shape[1], *[1] * (len(shape) - 2))
    if sort == "some":
        return tuple(size if draft.chance(50) else 1 for size in shape)
    return shape[-1:] if sort == "last" else shape


def _operand(draft: Draft, array: Array) -> str:
    """A constant, in a graph of codes mostly held as such."""
    if draft.dtype is None or draft.chance(20):
        return draft.constant(array.astype(np.float32))
    grid = fitted(draft, array)
    info = np.iinfo(draft.dtype)
    codes = np.clip(np.rint(array / grid.scale) + grid.zero_point, info.min, info.max).astype(draft.dtype)
    return draft.coded_constant(codes, np.float32(grid.scale), np.array(grid.zero_point, draft.dtype), "k").name


@draws(weight=2)
def arithmetic(draft: Draft, x: Value) -> list[Value]:
    op = draft.pick(("Add", "Mul", "Sub", "Max", "Min"))
    sort = draft.pick(("constant", "other", "other", "itself"))
    others = [value for value in draft.pool if _broadcasts(value.shape, x.shape)]
    if sort == "constant" or not others:
        second = _operand(draft, draft.rng.normal(0, 1, _constant_shape(draft, x.shape)))
    else:
        second = x.name if sort == "itself" else draft.pick(others).name
    ends = [x.name, second] if not draft.chance(40) else [second, x.name]
    (made,) = draft.raw(op, ends)
    last, clamp = clamped(draft, made)
    return [held(draft, last, clamp or op, x)]


@draws(lambda draft, value: len(draft.pool) > 1, weight=2)
def residual(draft: Draft, x: Value) -> list[Value]:
    """A sum or product of two values of one shape, or with a gate a channel."""
    same = [v for v in draft.pool if v.name != x.name and v.shape == x.shape]
    gates = [v for v in draft.pool if v.rank == x.rank > 2 and v.shape == (*x.shape[:2], *[1] * (x.rank - 2))]
    options = [*(("Add", v) for v in same), *(("Mul", v) for v in [*gates, *same])]
    if not options:
        return arithmetic(draft, x)
    op, other = draft.pick(options)
    (made,) = draft.raw(op, [x.name, other.name])
    last, clamp = clamped(draft, made)
    return [held(draft, last, clamp or op, x)]


@draws()
def division(draft: Draft, x: Value) -> list[Value]:
    """By what is far from 0."""
    shape = _constant_shape(draft, x.shape)
    array = draft.rng.uniform(0.5, 3, shape) * draft.pick((1, -1))
    if draft.chance(70):
        (made,) = draft.raw("Div", [x.name, draft.constant(array.astype(np.float32))])
    else:
        ends = [draft.constant(np.array(end, np.float32)) for end in (0.5, 4.0)]
        (below,) = draft.raw("Clip", [x.name, *ends])
        (made,) = draft.raw("Div", [draft.constant(array.astype(np.float32)), below.name])
    last, clamp = clamped(draft, made)
    return [held(draft, last, clamp or "Div", x)]


# One operand


@draws()
def clamp(draft: Draft, x: Value) -> list[Value]:
    sort = draft.pick(("Relu", "relu6", "both", "low", "high", "relu and min"))
    if sort == "Relu":
        (made,) = draft.raw("Relu", [x.name])
    elif sort == "relu and min":
        (first,) = draft.raw("Relu", [x.name])
        (made,) = draft.raw("Min", [first.name, draft.constant(np.array(6.0, np.float32))])
    else:
        low, high = {"relu6": (0.0, 6.0), "both": (-0.75, 1.25), "low": (-0.3, None), "high": (None, 0.8)}[sort]
        ends = ["" if end is None else draft.constant(np.array(end, np.float32)) for end in (low, high)]
        (made,) = draft.raw("Clip", [x.name, *(ends if ends[1] else ends[:1])])
    return [held(draft, made, "Relu", x)]


@draws(weight=2)
def function(draft: Draft, x: Value) -> list[Value]:
    op = draft.pick(("Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "LeakyRelu"))
    settings: dict[str, Any] = {}
    if op == "HardSwish" and draft.opset < 14:
        op = "HardSigmoid"
    if op == "HardSigmoid":
        settings = draft.pick(({"alpha": 1 / 6, "beta": 0.5}, {}, {"alpha": 0.4, "beta": 0.3}))
    if op == "LeakyRelu":
        settings = {"alpha": draft.pick((0.1, 0.01, -0.3, 1.5))}
    return [held(draft, draft.raw(op, [x.name], **settings)[0], op, x)]


@draws()
def prelu(draft: Draft, x: Value) -> list[Value]:
    shape = _constant_shape(draft, x.shape)
    slope = _operand(draft, draft.rng.normal(0.2, 0.3, shape))
    return [held(draft, draft.raw("PRelu", [x.name, slope])[0], "PRelu", x)]


@draws(lambda draft, value: value.rank >= 1)
def softmax(draft: Draft, x: Value) -> list[Value]:
    axis = draft.pick((-1, 1 if x.rank > 1 else 0, x.rank - 1))
    return [held(draft, draft.raw("Softmax", [x.name], axis=axis)[0], "Softmax", x)]


@draws()
def silu(draft: Draft, x: Value) -> list[Value]:
    """x · sigmoid(x), the gate held as codes or not."""
    (gate,) = draft.raw("Sigmoid", [x.name])
    gate = held(draft, gate, "Sigmoid") if draft.chance(60) else gate
    ends = [x.name, gate.name] if not draft.chance(40) else [gate.name, x.name]
    return [held(draft, draft.raw("Mul", ends)[0], "Mul", x)]


@draws()
def spelt_hard_swish(draft: Draft, x: Value) -> list[Value]:
    """x · clip(x + 3, 0, 6) / 6 in the forms that exporters write."""
    three, six = (draft.constant(np.array(number, np.float32)) for number in (3.0, 6.0))
    zero = draft.constant(np.array(0.0, np.float32))
    (shifted,) = draft.raw("Add", [x.name, three])
    (clipped,) = draft.raw("Clip", [shifted.name, zero, six])
    if draft.chance(50):
        (made,) = draft.raw("Div", [clipped.name, six])
        if draft.chance(50):
            (made,) = draft.raw("Mul", [x.name, made.name])
    else:
        (product,) = draft.raw("Mul", [x.name, clipped.name])
        sixth = draft.constant(np.array(1 / 6, np.float32))
        (made,) = draft.raw("Mul", [product.name, sixth])
    return [held(draft, made, "Mul", x)]
