"""What spoilt measured times, in sentences: heat, a weak power supply, swapping, other work on the machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .labels import place
from .row import Row

__all__ = ["disturbance", "disturbances"]


def disturbance(row: Row) -> str:
    """What disturbed `row`, and after how many attempts; "" if nothing did."""
    if not row.disturbed:
        return ""
    tried = f", in the last of {row.attempts} attempts" if row.attempts and row.attempts > 1 else ""
    return ", ".join(row.disturbed) + tried


def disturbances(rows: Iterable[Row]) -> list[str]:
    """A sentence for each row that was disturbed, then one for each place whose state alone tells of it.

    Of rows that were watched (they know their attempts) the watch is believed. Of others: busy is a load average before
    the run above its threads and a half (the run before leaves as many behind).
    """
    measured = [row for row in rows if row.how == "measured" and row.latency_ms is not None]
    told = [f"{row.name}: {disturbance(row)}: times may be too high." for row in measured if row.disturbed]
    unwatched = [row for row in measured if row.attempts is None and not row.disturbed]
    for where in dict.fromkeys(place(row) for row in unwatched):
        told += _of_place(where, [row for row in unwatched if place(row) == where])
    return told


def _of_place(where: str, rows: Sequence[Row]) -> list[str]:
    found = []
    loads = [row.before.load_average for row in rows if row.before and row.before.load_average is not None]
    if max(loads, default=0) > max(row.threads for row in rows) + 0.5:
        found.append(f"{where} was busy with other work (load average up to {max(loads):.1f}): times may be too high.")
    states = [state for row in rows for state in (row.before, row.after) if state]
    if any(state.throttled for state in states):
        found.append(f"{where} was throttled by heat or a weak power supply: times are too high.")
    return found
