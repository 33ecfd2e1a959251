"""Instructions by kind, as the plugin `count.c` writes them: one line an interval between two marks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from ...errors import BoardError

__all__ = ["KINDS", "MARK", "Counts", "fewest", "read_counts"]

KINDS = ("dot", "multiply", "load", "store", "vector", "scalar")
"""In the plugin's order; what each is stands in `kind.h`."""

MARK = 1_000_000_000
"""close(MARK + 2k) begins interval k, close(MARK + 2k + 1) ends it. No file has such a number."""


@dataclass(frozen=True)
class Counts:
    """Instructions carried out, by kind: each has one. All ≥ 0."""

    dot: int
    multiply: int
    load: int
    store: int
    vector: int
    scalar: int

    @property
    def total(self) -> int:
        return sum(self.by_kind().values())

    def by_kind(self) -> dict[str, int]:
        """Kind → instructions, in the order of KINDS."""
        return asdict(self)


def read_counts(path: Path) -> tuple[tuple[int, Counts], ...]:
    """Number of the interval and its counts, in the order in which they ended; none if the file isn't there.

    Raises BoardError if a line is not the plugin's.
    """
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise BoardError(str(path), f"cannot be read ({error})") from error
    return tuple(_interval(line, f"{path}:{number}") for number, line in enumerate(text.splitlines(), 1))


def fewest(inferences: Iterable[Counts]) -> Counts:
    """The one of least total: what a runtime does now and then beside its work (tidying its heap) is not in it.

    inferences: at least one, alike in what they compute.
    """
    return min(inferences, key=lambda counts: counts.total)


def _interval(line: str, where: str) -> tuple[int, Counts]:
    words = line.split(" ")
    if len(words) != 1 + len(KINDS) or not all(word.isdecimal() for word in words):
        raise BoardError(where, f"'{line}' is no line of the counting plugin", hint="run it again")
    number, *counts = map(int, words)
    return number, Counts(*counts)
