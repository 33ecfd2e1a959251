"""Ours against theirs: ratios of medians from interleaved repeats, and how far a ratio can be trusted."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Ratio", "ratio_of_medians"]


@dataclass(frozen=True)
class Ratio:
    """ours / theirs: below 1 is ours ahead. low, high: the middle 95 % of bootstrap resamples of the rounds."""

    ours: float
    theirs: float
    value: float
    low: float
    high: float


RESAMPLES = 400

Rounds = Sequence[Sequence[float]]
"""Times by round."""


def ratio_of_medians(ours: Rounds, theirs: Rounds) -> Ratio:
    """ours[r], theirs[r]: times of round r, measured next to one another. Medians are over all rounds' times.

    The interval resamples whole rounds, both sides together: a slow moment of the machine lasts longer than one
    inference, and hits both sides of its round.
    """
    if len(ours) != len(theirs) or not ours or not all(ours) or not all(theirs):
        raise ValueError("ours and theirs need the same number of rounds, one or more, none empty")
    rounds = list(zip(ours, theirs, strict=True))
    chance = random.Random(0)
    drawn = sorted(_ratio(chance.choices(rounds, k=len(rounds))) for _ in range(RESAMPLES))
    return Ratio(
        ours=median(time for times in ours for time in times),
        theirs=median(time for times in theirs for time in times),
        value=_ratio(rounds),
        low=drawn[int(0.025 * (RESAMPLES - 1))],
        high=drawn[int(0.975 * (RESAMPLES - 1))],
    )


def _ratio(rounds: Sequence[tuple[Sequence[float], Sequence[float]]]) -> float:
    mine = median(time for times, _ in rounds for time in times)
    return mine / median(time for _, times in rounds for time in times)
