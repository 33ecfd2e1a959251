"""What one run of a network on the golden inputs gave, whatever ran it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .child import Ended
from .errors import Refused

__all__ = ["GOLDEN", "KIND", "Tried", "failed", "number"]

GOLDEN = "golden"
"""Folder of a bundle."""
KIND = "self-test"


@dataclass(frozen=True)
class Tried:
    """wrong: what is wrong with the outputs, or "". rms: of the worst output; None if it is not finite.

    p50_ms, rss_bytes: None where this board does not tell. disturbed: why p50_ms is none to rely on.
    """

    wrong: str
    rms: float | None
    p50_ms: float | None
    rss_bytes: int | None
    disturbed: tuple[str, ...] = ()


def failed(runtime: str, ended: Ended) -> Refused:
    """Why a command did not end well, with the last that it said."""
    said = ended.last_line
    return Refused(runtime, ended.failure + (f" ({said})" if said else ""), kind=KIND)


def number(where: str, value: Any) -> float | None:
    """A finite number ≥ 0, or None. Raises Refused for anything else."""
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value < 1e18:
        raise Refused(where, f"told {value!r:.40} for a number", kind=KIND)
    return float(value)
