"""Operators that move values about: Concat, Split, Slice, Pad, Gather, Transpose, Reshape and its kin."""

from __future__ import annotations

from math import prod

import numpy as np

from .draft import Draft, Value
from .families import draws
from .grids import held

__all__: list[str] = []


def _axis(draft: Draft, x: Value) -> int:
    """Not the batch where that is open."""
    return draft.between(1 if draft.dynamic and x.rank > 1 else 0, x.rank - 1)


def _fits(draft: Draft, value: Value) -> bool:
    return value.rank >= (2 if draft.dynamic else 1)


def _said(draft: Draft, axis: int, rank: int) -> int:
    """From the front, or from the back."""
    return axis - rank if draft.chance(30) else axis


@draws(_fits)
def concat(draft: Draft, x: Value) -> list[Value]:
    axis = _axis(draft, x)

    def alike(other: Value) -> bool:
        return other.rank == x.rank and all(
            a == b for i, (a, b) in enumerate(zip(other.shape, x.shape, strict=True)) if i != axis
        )

    others = [value for value in draft.pool if alike(value)]
    parts = [x, *(draft.pick(others) for _ in range(draft.between(1, 2)))]
    names = [part.name for part in parts]
    if draft.dtype is None and not draft.dynamic and draft.chance(15):
        names.append(draft.constant(draft.rng.normal(size=x.shape).astype(np.float32)))
    (made,) = draft.raw("Concat", names, axis=_said(draft, axis, x.rank))
    return [held(draft, made, "Concat", x)]


@draws(lambda draft, value: _fits(draft, value) and max(value.shape[1 if draft.dynamic else 0 :]) > 1)
def split(draft: Draft, x: Value) -> list[Value]:
    axes = [axis for axis in range(1 if draft.dynamic else 0, x.rank) if x.shape[axis] > 1]
    axis = draft.pick(axes)
    size = x.shape[axis]
    counts = [n for n in (2, 3, 4) if size % n == 0]
    said = _said(draft, axis, x.rank)
    if counts and not draft.chance(40):
        count = draft.pick(counts)
        if draft.opset >= 18 and draft.chance(50):
            parts = draft.raw("Split", [x.name], count, axis=said, num_outputs=count)
        elif draft.opset < 18 and draft.chance(50):
            parts = draft.raw("Split", [x.name], count, axis=said)
        else:
            parts = draft.raw("Split", [x.name, draft.ints([size // count] * count)], count, axis=said)
    else:
        first = draft.between(1, size - 1)
        parts = draft.raw("Split", [x.name, draft.ints([first, size - first])], 2, axis=said)
    return [held(draft, part, "Split", x) for part in parts]


@draws(_fits)
def slices(draft: Draft, x: Value) -> list[Value]:
    axes = sorted({_axis(draft, x) for _ in range(draft.between(1, 2))})
    starts, ends, steps = [], [], []
    for axis in axes:
        size = x.shape[axis]
        start = draft.between(0, size - 1)
        end = draft.between(start + 1, size)
        starts.append(start - size if draft.chance(20) else start)
        ends.append(
            draft.pick((end, 2**31 - 1, 2**63 - 1)) if end == size else (end - size if draft.chance(30) else end)
        )
        steps.append(draft.pick((1, 1, 2)))
    if draft.chance(5):
        starts, ends, steps, axes = [-1], [-(2**31)], [-1], axes[:1]
    inputs = [x.name, draft.ints(starts), draft.ints(ends), draft.ints([_said(draft, axis, x.rank) for axis in axes])]
    if any(step != 1 for step in steps):
        inputs.append(draft.ints(steps))
    return [held(draft, draft.raw("Slice", inputs)[0], "Slice", x)]


@draws(_fits)
def pad(draft: Draft, x: Value) -> list[Value]:
    mode = draft.pick(("constant", "constant", "reflect", "edge"))
    first = 1 if draft.dynamic else 0
    spatial = x.rank > 2 and not draft.chance(25)
    before, after = (
        [0 if axis < first or (spatial and axis < 2) else draft.pick((0, 1, 0, 2)) for axis in range(x.rank)]
        for _ in range(2)
    )
    if mode == "reflect":
        before, after = ([min(p, n - 1) for p, n in zip(pads, x.shape, strict=True)] for pads in (before, after))
    settings = {} if mode == "constant" else {"mode": mode}
    if draft.opset >= 18 and draft.chance(25):
        axes = [axis for axis in range(x.rank) if before[axis] or after[axis]] or [x.rank - 1]
        pads = draft.ints([*(before[axis] for axis in axes), *(after[axis] for axis in axes)])
        inputs = [x.name, pads, "", draft.ints([_said(draft, axis, x.rank) for axis in axes])]
    else:
        inputs = [x.name, draft.ints([*before, *after])]
        if mode == "constant" and draft.chance(40):
            inputs.append(draft.constant(np.array(draft.pick((0.0, -1.5, 0.7)), np.float32)))
    return [held(draft, draft.raw("Pad", inputs, **settings)[0], "Pad", x)]


@draws(_fits)
def gather(draft: Draft, x: Value) -> list[Value]:
    axis = _axis(draft, x)
    size = x.shape[axis]
    count = draft.between(1, 4)
    indices = np.array([draft.between(-size if draft.chance(20) else 0, size - 1) for _ in range(count)], np.int64)
    if x.rank > 1 and draft.chance(25):
        indices = indices[0]
    made = draft.raw(
        "Gather", [x.name, draft.constant(np.asarray(indices, np.int64), "i")], axis=_said(draft, axis, x.rank)
    )
    return [held(draft, made[0], "Gather", x)]


@draws(lambda draft, value: value.rank >= 2)
def transpose(draft: Draft, x: Value) -> list[Value]:
    first = [0] if draft.dynamic or draft.chance(60) else []
    rest = list(range(len(first), x.rank))
    order = list(first)
    while rest:
        order.append(rest.pop(draft.between(0, len(rest) - 1)))
    return [held(draft, draft.raw("Transpose", [x.name], perm=order)[0], "Transpose", x)]


@draws()
def reshape(draft: Draft, x: Value) -> list[Value]:
    first = 1 if draft.dynamic or draft.chance(50) else 0
    left, wanted = prod(x.shape[first:]), []
    for _ in range(draft.between(0, 4 - first)):
        divisors = [d for d in range(1, min(left, 30) + 1) if left % d == 0]
        wanted.append(draft.pick(divisors))
        left //= wanted[-1]
    wanted.append(left)
    said = [*(x.shape[:1] if first and not draft.dynamic else [0] * first), *wanted]
    if not draft.dynamic and draft.chance(30):
        said[-1] = -1
    if draft.dynamic:
        said[0] = draft.pick((0, -1))
    (made,) = draft.raw("Reshape", [x.name, draft.ints(said)])
    return [held(draft, made, "Reshape", x)]


@draws(lambda draft, value: value.rank >= 2)
def flatten(draft: Draft, x: Value) -> list[Value]:
    axis = 1 if draft.dynamic else draft.pick((1, 1, 0, x.rank, -1))
    return [held(draft, draft.raw("Flatten", [x.name], axis=axis)[0], "Flatten", x)]


@draws(lambda draft, value: 1 in value.shape[1:] and value.rank > 1)
def squeeze(draft: Draft, x: Value) -> list[Value]:
    axes = [axis for axis in range(1, x.rank) if x.shape[axis] == 1]
    if x.rank > 2 and draft.chance(40):
        axes = axes[:1]
    said = draft.ints([_said(draft, axis, x.rank) for axis in axes])
    return [held(draft, draft.raw("Squeeze", [x.name, said])[0], "Squeeze", x)]


@draws(lambda draft, value: value.rank <= 3)
def unsqueeze(draft: Draft, x: Value) -> list[Value]:
    axis = draft.between(1 if draft.dynamic else 0, x.rank)
    said = draft.ints([_said(draft, axis, x.rank + 1)])
    return [held(draft, draft.raw("Unsqueeze", [x.name, said])[0], "Unsqueeze", x)]


@draws()
def identity(draft: Draft, x: Value) -> list[Value]:
    return [held(draft, draft.raw("Identity", [x.name])[0], "Identity", x)]


@draws(lambda draft, value: value.rank == 4 and value.shape[1] % 2 == 0)
def shuffle(draft: Draft, x: Value) -> list[Value]:
    """ShuffleNet's: channels in groups, groups and channels exchanged."""
    n, c, h, w = x.shape
    batch = 0 if draft.dynamic else n
    apart = held(draft, draft.raw("Reshape", [x.name, draft.ints([batch, 2, c // 2, h, w])])[0], "Reshape", x)
    turned = held(draft, draft.raw("Transpose", [apart.name], perm=[0, 2, 1, 3, 4])[0], "Transpose", apart)
    (made,) = draft.raw("Reshape", [turned.name, draft.ints([batch, c, h, w])])
    return [held(draft, made, "Reshape", turned)]
