"""How a long step says where it is."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Report", "silent"]

Report = Callable[[str, int, int], None]
"""Called as report(what, done, total); total 0 where nobody knows."""


def silent(what: str, done: int, total: int) -> None:
    """Say nothing."""
