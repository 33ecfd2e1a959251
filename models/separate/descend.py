"""Which layers to separate, and how far: down from the network as it is, by what each step costs the outputs.

As in mixed precision: errors of layers are nearly independent, so that their squares nearly add, and which options to
take for so many MACs is a knapsack with one choice a layer. On convex curves the greedy choice by loss² for a saved MAC
is the best at each MACs that it stops at. It is measured again before each step (the lazy greedy of Minoux 1978): an
old measurement is only good for the order in which to measure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .options import Option

__all__ = ["Chosen", "LossOf", "Step", "descend", "least_macs", "least_step", "spared"]

Chosen = Mapping[str, Option]
"""Layer → what stands in its place; the others stay."""
LossOf = Callable[[Chosen], float]
"""Of the outputs, with these layers. Called again for the same, it should remember."""


@dataclass(frozen=True)
class Step:
    """chosen: so far. loss: measured. macs: of the whole network."""

    chosen: Chosen
    loss: float
    macs: int


def least_macs(options: Mapping[str, Sequence[Option]], layers: Mapping[str, int], total: int) -> int:
    """What the last option of every layer leaves. layers: MACs of each as it is. total: of the whole network."""
    return total - sum(layers[name] - each[-1].factored.macs for name, each in options.items())


def descend(
    options: Mapping[str, Sequence[Option]], layers: Mapping[str, int], total: int, loss_of: LossOf
) -> Iterator[Step]:
    """From nothing separated to the least MACs; each step takes one layer one option further.

    options: falling in MACs, convex. layers: MACs of each as it is. total: of the whole network.
    """
    chosen: dict[str, Option] = {}
    at = dict.fromkeys(options, -1)
    loss, macs = loss_of(chosen), total
    yield Step({}, loss, macs)
    prices: dict[str, float] = {}
    while waiting := [name for name in options if at[name] + 1 < len(options[name])]:
        fresh: set[str] = set()
        while True:
            unknown = [name for name in waiting if name not in prices]
            best = unknown[0] if unknown else min(waiting, key=lambda name: prices[name])
            if best in fresh:
                break
            further = options[best][at[best] + 1]
            saved = _macs(chosen, layers, best) - further.factored.macs
            prices[best] = (loss_of(chosen | {best: further}) ** 2 - loss**2) / saved
            fresh.add(best)
        macs -= _macs(chosen, layers, best) - options[best][at[best] + 1].factored.macs
        at[best] += 1
        chosen[best] = options[best][at[best]]
        loss = loss_of(chosen)
        del prices[best]
        yield Step(dict(chosen), loss, macs)


def least_step(steps: Iterator[Step], budget: int) -> Step | None:
    """The first that keeps to `budget` MACs; None where none does."""
    return next((step for step in steps if step.macs <= budget), None)


def spared(
    step: Step, options: Mapping[str, Sequence[Option]], layers: Mapping[str, int], budget: int, loss_of: LossOf
) -> Step:
    """`step` without what the budget does not need: the last choice may have saved more than was left to save.

    Each layer, the one of the greatest error first, goes back as many options as fit, if the loss falls.
    """
    chosen, macs, loss = dict(step.chosen), step.macs, step.loss
    for name in sorted(chosen, key=lambda layer: (-chosen[layer].error, layer)):
        for back in (None, *options[name]):
            if back is chosen[name]:
                break
            after = {layer: option for layer, option in chosen.items() if layer != name} | (
                {name: back} if back else {}
            )
            more = (back.factored.macs if back else layers[name]) - chosen[name].factored.macs
            if macs + more <= budget and (found := loss_of(after)) < loss:
                chosen, macs, loss = after, macs + more, found
                break
    return Step(chosen, loss, macs)


def _macs(chosen: Chosen, layers: Mapping[str, int], name: str) -> int:
    return chosen[name].factored.macs if name in chosen else layers[name]
