"""Pools and reductions: windows with all their pads and modes, whole images, chosen axes."""

from __future__ import annotations

from typing import Any

from .draft import Draft, Value
from .families import draws, ranks
from .grids import held

__all__: list[str] = []


def _window(draft: Draft, x: Value, *, dilated: bool) -> dict[str, Any] | None:
    kernel, strides, dilations, before, after = [], [], [], [], []
    for size in x.shape[2:]:
        k = min(draft.pick((2, 3, 1, 3)), size)
        kernel.append(k)
        strides.append(draft.pick((1, 2, 2, 3)))
        dilations.append(2 if dilated and (k - 1) * 2 + 1 <= size else 1)
        before.append(min(draft.pick((0, 0, 1)), k - 1))
        after.append(min(draft.pick((0, 0, 1)), k - 1))
    found: dict[str, Any] = {"kernel_shape": kernel, "strides": strides}
    if any(d != 1 for d in dilations):
        found["dilations"] = dilations
    auto = draft.pick((None, None, None, None, "SAME_UPPER", "SAME_LOWER", "VALID"))
    if auto:
        found["auto_pad"] = auto
    elif any(before) or any(after):
        found["pads"] = [*before, *after]
    if not auto and draft.chance(20):
        found["ceil_mode"] = 1
    return found


@draws(ranks(3, 4, 5), weight=2)
def max_pool(draft: Draft, x: Value) -> list[Value]:
    settings = _window(draft, x, dilated=draft.chance(8))
    (made,) = draft.raw("MaxPool", [x.name], **(settings or {}))
    return [held(draft, made, "MaxPool", x)]


@draws(ranks(3, 4, 5), weight=2)
def average_pool(draft: Draft, x: Value) -> list[Value]:
    settings = _window(draft, x, dilated=False) or {}
    if draft.chance(40):
        settings["count_include_pad"] = 1
    (made,) = draft.raw("AveragePool", [x.name], **settings)
    return [held(draft, made, "AveragePool", x)]


@draws(ranks(3, 4, 5))
def global_pool(draft: Draft, x: Value) -> list[Value]:
    op = draft.pick(("GlobalAveragePool", "GlobalMaxPool"))
    return [held(draft, draft.raw(op, [x.name])[0], op, x)]


@draws(ranks(1, 2, 3, 4))
def reduction(draft: Draft, x: Value) -> list[Value]:
    op = draft.pick(("ReduceMean", "ReduceMax"))
    axes = sorted({draft.between(0, x.rank - 1) for _ in range(draft.between(1, 2))})
    if draft.dynamic:
        axes = [axis for axis in axes if axis] or [x.rank - 1]
    if x.rank > 2 and draft.chance(40):
        axes = list(range(2, x.rank))
    negative = [axis - x.rank if draft.chance(30) else axis for axis in axes]
    keep = draft.pick((1, 0))
    if len(axes) == x.rank and not keep:
        keep = 1  # a rank of 0 is another matter
    if draft.opset >= 18:
        (made,) = draft.raw(op, [x.name, draft.ints(negative)], keepdims=keep)
    else:
        (made,) = draft.raw(op, [x.name], axes=negative, keepdims=keep)
    return [held(draft, made, op, x)]
