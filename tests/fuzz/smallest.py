"""From a finding to the smallest graph that shows it."""

from __future__ import annotations

from pathlib import Path

from .draft import Drawn
from .numbered import shrink
from .record import kind_of
from .verdict import judged

__all__ = ["smallest"]


def smallest(seed: int, number: int, engine: str, kind: str, folder: Path) -> tuple[Drawn, list[str]]:
    """The smallest graph on which `engine` still does something of this kind, and what it does there."""

    def shown(drawn: Drawn) -> list[str]:
        found = judged(drawn, folder, (engine,)).findings
        return [finding for _, finding in found if kind_of(finding) == kind]

    small = shrink(seed, number, lambda drawn: bool(shown(drawn)))
    return small, shown(small)
