"""The cheapest set of layers in float that keeps the loss to what is asked for.

Which of 2^n sets is cheapest cannot be looked up; errors of layers are nearly independent, so that their squares nearly
add, and then it is a knapsack: greedy by gain in loss² per cost, measured again before each choice (the lazy greedy of
Minoux 1978: an old gain is only good for the order in which to measure), and then without what turned out not to be
needed. At each step the cheapest layer that would finish at once is tried as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from .cost import Costs

__all__ = ["SmallestSet", "Step", "forward", "smallest_set"]

LossOf = Callable[[frozenset[str]], float]
"""Of the network with these layers in float. Called again for a set, it should remember."""
Near = Mapping[str, Collection[str]]


@dataclass(frozen=True)
class Step:
    """floats: the set so far. loss: measured. cost: the sum of its layers'."""

    floats: frozenset[str]
    loss: float
    cost: float


@dataclass(frozen=True)
class SmallestSet:
    """floats: in the order of the costs' keys. loss, cost: of it. reached: whether the loss is what was asked for;
    else `floats` is the set with the least loss that was met.
    """

    floats: tuple[str, ...]
    loss: float
    cost: float
    reached: bool


def smallest_set(costs: Costs, loss_of: LossOf, most: float, *, near: Near | None = None) -> SmallestSet:
    """Search among the layers of `costs` for the cheapest set whose loss is `most` or less.

    near: layer → those whose gain changes most when it is chosen, and is measured anew: its neighbours, since a value
    between two float layers is not rounded at all. Deterministic; calls `loss_of` about 4n times for n layers, and
    never more than n² times.
    """
    steps: list[Step] = []
    ends: list[frozenset[str]] = []
    for step in forward(costs, loss_of, near=near):
        steps.append(step)
        if step.loss <= most:
            ends.append(step.floats)
            break
        finish = _finisher(step, costs, loss_of, most)
        if finish is not None:
            ends.append(finish)
    if not ends:
        best = min(steps, key=lambda step: (step.loss, step.cost))
        return _found(best.floats, costs, loss_of, reached=False)
    pruned = [_without_what_is_not_needed(end, costs, loss_of, most) for end in dict.fromkeys(ends)]
    return _found(min(pruned, key=lambda floats: _cost(floats, costs)), costs, loss_of, reached=True)


def forward(costs: Costs, loss_of: LossOf, *, near: Near | None = None) -> Iterator[Step]:
    """From nothing in float to all of it, each time with the layer that gains most loss² per cost as measured now."""
    floats: frozenset[str] = frozenset()
    loss = loss_of(floats)
    yield Step(floats, loss, 0.0)
    gains: dict[str, float] = {}
    fresh: set[str] = set()
    while len(floats) < len(costs):
        while True:
            waiting = [name for name in costs if name not in floats]
            unknown = [name for name in waiting if name not in gains]
            best = unknown[0] if unknown else max(waiting, key=lambda name: gains[name] / costs[name])
            if best in fresh:
                break
            gains[best] = loss**2 - loss_of(floats | {best}) ** 2
            fresh.add(best)
        floats |= {best}
        loss = loss_of(floats)
        fresh.clear()
        for name in (near or {}).get(best, ()):
            gains.pop(name, None)
        yield Step(floats, loss, _cost(floats, costs))


def _finisher(step: Step, costs: Costs, loss_of: LossOf, most: float) -> frozenset[str] | None:
    """The set so far with the cheapest layer more that is known, from measurements with one layer in float, to be about
    enough; None if it is not. One measurement at most.
    """
    start = loss_of(frozenset())
    left = [name for name in costs if name not in step.floats]
    enough = [name for name in left if step.loss**2 - (start**2 - loss_of(frozenset({name})) ** 2) <= most**2]
    if not enough:
        return None
    found = step.floats | {min(enough, key=lambda name: costs[name])}
    return found if loss_of(found) <= most else None


def _without_what_is_not_needed(floats: frozenset[str], costs: Costs, loss_of: LossOf, most: float) -> frozenset[str]:
    """The dearest first: without each layer that can go back to int8."""
    for name in sorted(floats, key=lambda name: (-costs[name], name)):
        if loss_of(floats - {name}) <= most:
            floats -= {name}
    return floats


def _found(floats: frozenset[str], costs: Costs, loss_of: LossOf, *, reached: bool) -> SmallestSet:
    ordered = tuple(name for name in costs if name in floats)
    return SmallestSet(ordered, loss_of(floats), _cost(floats, costs), reached)


def _cost(floats: Collection[str], costs: Costs) -> float:
    return float(sum(costs[name] for name in costs if name in floats))
