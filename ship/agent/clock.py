"""What time it is, on a board that may not know: never before what was seen, and whatever is expired names the clock.

A Pi has no clock of its own; until NTP answers it may be years back. The time taken is then the latest of three: what
the system says, when metadata were last found to be in force, and a day by which this code did not yet exist. None of
these can lead into the future: a refresh succeeds only while its metadata are in force, so what it leaves behind is
before their expiry. A clock that is years ahead finds everything expired; that is told with the clock's own time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

__all__ = ["BUILT", "UTC", "Clock", "read_clock", "shown", "utc_now"]

UTC = timezone.utc  # noqa: UP017 - runs on Python 3.10
BUILT = datetime(2026, 5, 1, tzinfo=UTC)
"""There was no agent before this day."""
_DRIFT = timedelta(hours=1)
"""A clock that is back by less is not worth a line."""


@dataclass(frozen=True)
class Clock:
    """system: what the board says. taken: what expiry is judged by. said: a line about it, or ""."""

    system: datetime
    taken: datetime
    said: str = ""


def utc_now() -> datetime:
    """As the system says it."""
    return datetime.now(UTC)


def read_clock(system: datetime, seen: datetime | None) -> Clock:
    """seen: when metadata were last found to be in force here. All in UTC, aware."""
    floor = max(BUILT, seen) if seen else BUILT
    if system >= floor:
        return Clock(system, system)
    if floor - system < _DRIFT:
        return Clock(system, floor)
    said = (
        f"the clock says {shown(system)}, before {shown(floor)}, which has been: expiry is judged as of the latter; "
        "next: let the clock be set (timedatectl)"
    )
    return Clock(system, floor, said)


def shown(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
