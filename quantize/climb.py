"""What climbing from recipe to recipe found: the loss and the cost of each rung, and which one was kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .loss import Loss
from .recipes import Recipe

__all__ = ["PARTED", "Climb", "Judged", "Rung", "climb"]

PARTED = 1.15
"""Times as much loss on samples held back as on those seen: from here on the two have parted."""


@dataclass(frozen=True)
class Rung:
    """One recipe tried. loss, loss_seen: on samples held back and on those seen, in the unit of the climb.

    parted: how many times as much rms error the samples held back have as those seen; the greater of that figure and
    its quotient with the first rung's, whose samples are the same and no harder. learned: `parted` is above `PARTED`.
    """

    recipe: str
    loss: float
    loss_seen: float
    parted: float
    learned: bool
    seen: Loss
    held_back: Loss
    seconds: float


@dataclass(frozen=True)
class Climb:
    """max_loss: what was asked for. unit: of all losses. rungs: those tried, in order. chosen: the one that was kept.

    reached: its loss is at most `max_loss`; if not, it is the least of all.
    """

    max_loss: float
    unit: str
    rungs: tuple[Rung, ...]
    chosen: str
    reached: bool

    @property
    def kept(self) -> Rung:
        return next(rung for rung in self.rungs if rung.recipe == self.chosen)

    def to_text(self) -> str:
        """A headline, a row for each rung and a line for each that learned its samples."""
        held = self.kept.held_back.samples
        verdict = "the first that is good enough" if self.reached else "the best, and not good enough"
        width = max(len(rung.recipe) for rung in self.rungs)
        lines = [
            f"asked: a loss of at most {self.max_loss:g} {self.unit}, on {held} samples held back",
            f"  {'recipe':<{width}}  held back    seen  agreement  seconds",
            *(self._row(rung, width) for rung in self.rungs),
            f"kept: {self.chosen}, {verdict}",
        ]
        if self.kept.held_back.top1 is not None and 100 / held > self.max_loss:
            lines.append(f"one of {held} samples is {100 / held:.2g} points: give more to tell {self.max_loss:g} apart")
        return "\n".join(lines + [self._warning(rung) for rung in self.rungs if rung.learned])

    def missed(self) -> str:
        """Of a goal that was not reached, in one line."""
        kept = f"the best, {self.chosen}, loses {self.kept.loss:.3g}"
        return f"no recipe keeps the loss to {self.max_loss:g} {self.unit}: {kept}"

    @staticmethod
    def _row(rung: Rung, width: int) -> str:
        shares = [share for share in rung.held_back.agreement.values() if share is not None]
        agreement = f"{min(shares):.3f}" if shares else "–"
        return (
            f"  {rung.recipe:<{width}} {rung.loss:>10.2f} {rung.loss_seen:>7.2f} {agreement:>10} {rung.seconds:>8.1f}"
        )

    @staticmethod
    def _warning(rung: Rung) -> str:
        return (
            f"{rung.recipe} fits the samples that it saw {rung.parted:.2f} times as well as others: "
            "too few were given; trust the loss held back alone"
        )


class Judged(Protocol):
    """What a `Quantization` says of its worth and its cost: losses on the samples "seen" and "held back"."""

    @property
    def losses(self) -> Mapping[str, Loss]: ...

    @property
    def seconds(self) -> float: ...


def climb(ladder: Sequence[Recipe], attempt: Callable[[Recipe], Judged], *, max_loss: float, labelled: bool) -> Climb:
    """Try the recipes of `ladder` (one or more) in turn, and stop at the first whose loss is at most `max_loss`.

    attempt: quantises by a recipe. max_loss, without labels: rms error of the outputs in percent of their spread in
    float, of the worst output. With labels: points of top-1 lost.
    """
    rungs: list[Rung] = []
    for recipe in ladder:
        done = attempt(recipe)
        rungs.append(_rung(recipe.name, done, rungs[0] if rungs else None, labelled))
        if rungs[-1].loss <= max_loss:
            break
    best = min(rungs, key=lambda rung: rung.loss)
    unit = "points of top-1" if labelled else "% of the output's spread"
    return Climb(max_loss, unit, tuple(rungs), best.recipe, best.loss <= max_loss)


def _rung(name: str, done: Judged, first: Rung | None, labelled: bool) -> Rung:
    seen, held = done.losses["seen"], done.losses["held back"]
    ratio = _ratio(seen, held)
    parted = max(ratio, ratio / _ratio(first.seen, first.held_back)) if first else ratio
    return Rung(name, _loss(held, labelled), _loss(seen, labelled), parted, parted > PARTED, seen, held, done.seconds)


def _ratio(seen: Loss, held: Loss) -> float:
    """Of the relative rms errors; 1 where neither has any."""
    least = 1e-12
    return max(held.relative, least) / max(seen.relative, least)


def _loss(loss: Loss, labelled: bool) -> float:
    """In the unit of the climb. Below 0 where the int8 network has more right answers than the float one."""
    if not labelled:
        return 100 * loss.relative
    if loss.top1 is None:
        raise ValueError("a loss in points of top-1 takes labels")
    return 100 * (loss.top1["float"] - loss.top1["int8"])
