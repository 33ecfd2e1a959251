"""Walking along axes: steps in memory, and axes that lie so that two are one."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["collapsed", "steps_of"]


def steps_of(held: Sequence[int]) -> tuple[int, ...]:
    """Elements from one to the next along each axis of a tensor that lies without gaps."""
    steps, step = [], 1
    for size in reversed(held):
        steps.append(step)
        step *= size
    return tuple(reversed(steps))


def collapsed(
    sizes: Sequence[int], *steps: Sequence[int], rank: int
) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """The same walk over as few axes as it takes, filled up in front to `rank` of them by axes of one.

    steps: of each tensor along the axes. Axes of size 1 go; two neighbours are one where the outer steps as far as the
    inner one is long, in every tensor.
    """
    axes: list[tuple[int, tuple[int, ...]]] = []
    for size, *each in zip(sizes, *steps, strict=True):
        if size == 1:
            continue
        if axes and all(outer == size * inner for outer, inner in zip(axes[-1][1], each, strict=True)):
            axes[-1] = (axes[-1][0] * size, tuple(each))
        else:
            axes.append((size, tuple(each)))
    if len(axes) > rank:
        raise ValueError(f"{len(axes)} axes where {rank} are walked")
    filled = [(1, (0,) * len(steps))] * (rank - len(axes)) + axes
    return tuple(size for size, _ in filled), tuple(zip(*(each for _, each in filled), strict=True))
