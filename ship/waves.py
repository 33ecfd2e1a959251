"""Boards in waves: a few first, then more; the first wave with a bad board is the last."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..errors import ConfigError

__all__ = ["DEFAULT", "Rolled", "in_waves", "waves"]

DEFAULT = "1,10%,100%"

Board = TypeVar("Board")
Ended = TypeVar("Ended")

_ACCEPTED = "numbers of boards or shares of them, growing, like 1,10%,100%"


@dataclass(frozen=True)
class Rolled(Generic[Board, Ended]):
    """waves: what each wave gave, in the order of its boards. left: boards that were not tried, as one was bad."""

    waves: tuple[tuple[Ended, ...], ...]
    left: tuple[Board, ...]

    @property
    def ended(self) -> tuple[Ended, ...]:
        return tuple(one for wave in self.waves for one in wave)


def waves(text: str, count: int) -> tuple[int, ...]:
    """Sizes of the waves of `count` boards, each ≥ 1; their sum is `count`.

    text: how many boards have been served after each wave, as numbers or as shares (rounded up); whatever is left after
    the last is one more wave. Raises ConfigError if it can't be read, or does not grow.
    """
    sizes, served, before = [], 0, 0.0
    for word in text.split(","):
        number, share = _parsed(word.strip(), text)
        reach = math.ceil(count * number / 100) if share else int(number)
        if share and number < before:
            raise ConfigError("--wave", f"'{text}' does not grow", accepted=_ACCEPTED)
        before = number if share else before
        reach = min(reach, count)
        if reach > served:
            sizes.append(reach - served)
            served = reach
    return (*sizes, count - served) if served < count else tuple(sizes)


def in_waves(
    boards: Sequence[Board],
    sizes: Sequence[int],
    action: Callable[[Sequence[Board]], Sequence[Ended]],
    is_bad: Callable[[Ended], bool],
) -> Rolled[Board, Ended]:
    """`action` on each wave's boards in turn, until one of a wave is bad. sizes: their sum is the number of boards."""
    done: list[tuple[Ended, ...]] = []
    left = list(boards)
    for wave in _parts(boards, sizes):
        done.append(tuple(action(wave)))
        del left[: len(wave)]
        if any(map(is_bad, done[-1])):
            break
    return Rolled(tuple(done), tuple(left))


def _parts(boards: Sequence[Board], sizes: Sequence[int]) -> Iterator[Sequence[Board]]:
    start = 0
    for size in sizes:
        yield boards[start : start + size]
        start += size


def _parsed(word: str, text: str) -> tuple[float, bool]:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", word)
    share = found is not None and found[2] == "%"
    number = float(found[1]) if found else 0.0
    if number <= 0 or (share and number > 100) or (not share and number != int(number)):
        raise ConfigError("--wave", f"'{word}' in '{text}' is neither", accepted=_ACCEPTED)
    return number, share
