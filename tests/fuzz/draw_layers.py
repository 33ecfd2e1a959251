"""Layers with weights: Conv, ConvTranspose, Gemm, MatMul, BatchNormalization, with a clamp behind them or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from .draft import Draft, Value
from .families import draws
from .grids import held, weight

__all__ = ["clamped"]


def clamped(draft: Draft, made: Value) -> tuple[Value, str]:
    """A Relu or Clip right behind, mostly none; and the op that came last."""
    how = draft.pick(("none", "none", "Relu", "relu6", "clip"))
    if how == "none":
        return made, ""
    if how == "Relu":
        return draft.raw("Relu", [made.name])[0], "Relu"
    low, high = (0.0, 6.0) if how == "relu6" else draft.pick(((-1.0, 1.0), (-0.5, 2.0), (0.0, 1.0), (0.2, 3.0)))
    ends = [draft.constant(np.array(end, np.float32)) for end in (low, high)]
    return draft.raw("Clip", [made.name, *ends])[0], "Clip"


def _finished(draft: Draft, made: Value, op: str) -> list[Value]:
    last, clamp = clamped(draft, made)
    return [held(draft, last, clamp or op)]


def _geometry(draft: Draft, sizes: tuple[int, ...]) -> dict[str, Any]:
    """kernel_shape, strides, dilations and pads that leave at least one output a direction."""
    kernel, strides, dilations, before, after = [], [], [], [], []
    for size in sizes:
        b, a = draft.pick((0, 1, 0, 2)), draft.pick((0, 1, 0, 2))
        room = size + a + b
        k = min(draft.pick((1, 3, 2, 3, 5)), room)
        d = draft.pick((1, 1, 1, 2, 3))
        while (k - 1) * d + 1 > room:
            d -= 1
        kernel.append(k)
        strides.append(draft.pick((1, 1, 2, 3)))
        dilations.append(d)
        before.append(b)
        after.append(a)
    found: dict[str, Any] = {"kernel_shape": kernel, "strides": strides}
    if any(d != 1 for d in dilations) or draft.chance(20):
        found["dilations"] = dilations
    auto = draft.pick((None, None, None, "SAME_UPPER", "SAME_LOWER", "VALID"))
    fits = all((k - 1) * d + 1 <= n for k, d, n in zip(kernel, dilations, sizes, strict=True))
    if auto and (auto != "VALID" or fits):
        found["auto_pad"] = auto
    elif any(before) or any(after):
        found["pads"] = [*before, *after]
    return found


def _spatial(draft: Draft, value: Value) -> bool:
    return value.rank in (3, 4, 5) and value.shape[1] <= 24


@draws(_spatial, weight=5)
def conv(draft: Draft, x: Value) -> list[Value]:
    channels = x.shape[1]
    sort = draft.pick(("standard", "pointwise", "depthwise", "depthwise", "grouped"))
    groups = [g for g in range(2, channels) if channels % g == 0]
    group = {"depthwise": channels, "grouped": draft.pick(groups) if groups else 1}.get(sort, 1)
    out = group * draft.between(1, 3) if group > 1 else draft.pick((1, 3, 4, 8, 9, 16))
    settings = _geometry(draft, x.shape[2:])
    if sort == "pointwise":
        settings = {"kernel_shape": [1] * (x.rank - 2)}
        if draft.chance(25):
            settings["strides"] = [2] * (x.rank - 2)
    shape = (out, channels // group, *settings["kernel_shape"])
    w, b = weight(draft, shape, 0, out if not draft.chance(25) else None, x)
    if draft.chance(20):
        del settings["kernel_shape"]  # the weights say it
    (made,) = draft.raw("Conv", [x.name, w, *([b] if b else [])], group=group if group > 1 else None, **settings)
    if draft.dtype is None and draft.chance(15):
        made = _normalised(draft, made)
    results = _finished(draft, made, "Conv")
    if draft.chance(12) and x.shape[1:2] == (channels,):
        results += _again(draft, x, w, b, group, settings)
    return results


def _again(draft: Draft, x: Value, w: str, b: str | None, group: int, settings: dict[str, Any]) -> list[Value]:
    """The same weights on another value of the same channels."""
    others = [v for v in draft.pool if v.rank == x.rank and v.shape == x.shape and (v.grid is None) == (x.grid is None)]
    other = draft.pick(others) if others else x
    bias = [b] if b and other.grid == x.grid else []
    (made,) = draft.raw("Conv", [other.name, w, *bias], group=group if group > 1 else None, **settings)
    return _finished(draft, made, "Conv")


def _normalised(draft: Draft, made: Value) -> Value:
    channels = made.shape[1]
    arrays = [
        draft.rng.uniform(0.3, 2, channels), draft.rng.normal(0, 0.5, channels), draft.rng.normal(0, 0.5, channels),
        draft.rng.uniform(0.1, 2, channels),
    ]  # fmt: skip
    names = [draft.constant(array.astype(np.float32), "n") for array in arrays]
    return draft.raw("BatchNormalization", [made.name, *names])[0]


@draws(lambda draft, value: draft.dtype is None and value.rank in (2, 3, 4) and value.shape[1] <= 24)
def batch_normalization(draft: Draft, x: Value) -> list[Value]:
    return _finished(draft, _normalised(draft, x), "BatchNormalization")


@draws(_spatial, weight=2)
def conv_transpose(draft: Draft, x: Value) -> list[Value]:
    channels, count = x.shape[1], x.rank - 2
    group = draft.pick((1, 1, 1, channels))
    out = draft.pick((1, 2, 4, 7))
    kernel = [draft.pick((2, 3, 1, 4)) for _ in range(count)]
    strides = [draft.pick((2, 1, 3)) for _ in range(count)]
    settings: dict[str, Any] = {"kernel_shape": kernel, "strides": strides}
    extents = list(kernel)
    if draft.chance(8):
        settings["dilations"] = [2] * count
        extents = [(k - 1) * 2 + 1 for k in kernel]
    extra = [draft.pick((0, 0, 1)) if s > 1 else 0 for s in strides]
    if any(extra):
        settings["output_padding"] = extra
    full = [(n - 1) * s + e + more for n, s, e, more in zip(x.shape[2:], strides, extents, extra, strict=True)]
    how = draft.pick(("pads", "pads", "none", "same"))
    if how == "pads":
        room = [max(f - 1, 0) // 2 for f in full]
        settings["pads"] = [min(draft.pick((0, 1, 1, 2)), r, e - 1) for r, e in zip(room * 2, extents * 2, strict=True)]
    elif how == "same" and all(k >= s for k, s in zip(extents, strides, strict=True)) and not any(extra):
        settings["auto_pad"] = draft.pick(("SAME_UPPER", "SAME_LOWER"))
    shape = (channels, out, *kernel)
    w, b = weight(draft, shape, 1, out * group if not draft.chance(30) else None, x, "ConvTranspose")
    (made,) = draft.raw(
        "ConvTranspose", [x.name, w, *([b] if b else [])], group=group if group > 1 else None, **settings
    )
    return _finished(draft, made, "ConvTranspose")


# Matrix products


@draws(lambda draft, value: value.rank == 2 and value.shape[1] <= 400, weight=4)
def gemm(draft: Draft, x: Value) -> list[Value]:
    rows, depth = x.shape
    transposed = draft.chance(6)
    if transposed:
        rows, depth = depth, rows
    out, lying = draft.pick((1, 3, 10, 16)), not draft.chance(30)
    shape = (out, depth) if lying else (depth, out)
    sort = draft.pick(("vector", "none", "vector", "row", "one", "full"))
    length = out if sort in ("vector", "row") else None
    w, b = weight(draft, shape, 0 if lying else 1, length, x)
    if sort == "row" and b is not None and b in draft.constants:
        b = draft.constant(draft.constants[b].reshape(1, -1), "b")
    elif sort in ("one", "full"):
        other = (1,) if sort == "one" else (rows, out)
        b = draft.constant(draft.rng.normal(0, 0.3, other).astype(np.float32), "b")
    settings: dict[str, Any] = {"transB": 1 if lying else None, "transA": 1 if transposed else None}
    if draft.chance(15):
        settings["alpha"] = draft.pick((0.5, -1.5))
    if b is not None and draft.chance(15):
        settings["beta"] = draft.pick((0.5, 2.0))
    (made,) = draft.raw("Gemm", [x.name, w, *([b] if b else [])], **settings)
    return _finished(draft, made, "Gemm")


@draws(lambda draft, value: value.rank in (2, 3, 4) and value.shape[-1] <= 400)
def matmul(draft: Draft, x: Value) -> list[Value]:
    out = draft.pick((1, 3, 10, 16))
    w, _ = weight(draft, (x.shape[-1], out), 1, None, x)
    (made,) = draft.raw("MatMul", [x.name, w])
    if draft.chance(30):
        vector = draft.constant(draft.rng.normal(0, 0.3, out).astype(np.float32), "b")
        ends = [made.name, vector] if not draft.chance(30) else [vector, made.name]
        (made,) = draft.raw("Add", ends)
    return _finished(draft, made, "MatMul")


@draws(lambda draft, value: value.rank in (2, 3, 4) and draft.chance(15))
def matmul_of_two(draft: Draft, x: Value) -> list[Value]:
    """Attention's product, x · xᵀ: weights that are computed."""
    order = [*range(x.rank - 2), x.rank - 1, x.rank - 2]
    (turned,) = draft.raw("Transpose", [x.name], perm=order)
    other = held(draft, turned, "Transpose", x)
    return [held(draft, draft.raw("MatMul", [x.name, other.name])[0], "MatMul")]
