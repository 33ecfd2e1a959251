"""How long and how often to measure, alike for every place."""

from __future__ import annotations

from dataclasses import dataclass

from ..devices.measure import REPEATS

__all__ = ["BenchSettings"]


@dataclass(frozen=True)
class BenchSettings:
    """threads: counts to try; empty: here and on an emulated core 1, on a board 1, 2, 4 … up to its cores.

    seconds: timed, of a row. repeats: how often a disturbed run is repeated, at most.
    """

    threads: tuple[int, ...] = ()
    seconds: float = 3.0
    repeats: int = REPEATS
