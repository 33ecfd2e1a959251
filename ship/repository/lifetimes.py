"""How long a signature holds, by role, and what the clock must say.

    root         365 days   offline, several people: a ceremony a year
    targets       90 days   offline, one person; each channel's role as well
    snapshot       7 days   online, renewed by a timer each day:
    timestamp      7 days   a board that is shown an old state for longer knows it (freeze attack)

TUF asks for no figures. Seven days leave a publisher whose timer fails a week to see it, while a stolen mirror can hold
boards back for a week at most.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ...errors import ConfigError, TrustError
from .names import ROOT, SNAPSHOT, TARGETS, TIMESTAMP

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata

__all__ = ["DAYS", "ONLINE", "days_of", "ends_soon", "refuse_odd_days", "refuse_wrong_clock", "signed_at", "start"]

DAYS = {ROOT: 365, TARGETS: 90, SNAPSHOT: 7, TIMESTAMP: 7}
"""Of a new repository; of a channel's role as of targets."""

FIELD = "x-sepia-days"
"""In each metadata: how many days this role's signatures hold, so that each renewal takes the same."""

ONLINE = "x-sepia-online-days"
"""In root: those of snapshot and timestamp, of which the first are made once root has its signatures."""

MOST_DAYS = 3660
_SOON = 1 / 3
_TOLERANCE = timedelta(minutes=5)


def days_of(role: str, signed: Any) -> int:
    found = signed.unrecognized_fields.get(FIELD)
    return found if isinstance(found, int) and 0 < found <= MOST_DAYS else DAYS.get(role, DAYS[TARGETS])


def start(role: str, signed: Any, now: datetime, days: int | None = None) -> None:
    """Let the lifetime of `signed` begin. days: another one from now on."""
    chosen = days or days_of(role, signed)
    signed.unrecognized_fields[FIELD] = chosen
    signed.expires = now.astimezone(UTC).replace(microsecond=0) + timedelta(days=chosen)


def signed_at(role: str, signed: Any) -> datetime:
    return _expires(signed) - timedelta(days=days_of(role, signed))


def ends_soon(role: str, signed: Any, now: datetime, share: float = _SOON) -> bool:
    """Whether less than `share` of its lifetime is left."""
    return _expires(signed) - now < share * timedelta(days=days_of(role, signed))


def refuse_odd_days(days: int | None) -> None:
    """Raises ConfigError."""
    if days is not None and not 0 < days <= MOST_DAYS:
        raise ConfigError("days", f"are {days}", accepted=f"1 to {MOST_DAYS}")


def refuse_wrong_clock(metadata: Iterable[tuple[str, Metadata[Any]]], now: datetime) -> None:
    """A clock before the newest signature would sign metadata that expire too early. Raises TrustError."""
    last = max((signed_at(role, one.signed) for role, one in metadata), default=now)
    if now < last - _TOLERANCE:
        raise TrustError(
            "this machine's clock",
            f"says {now:%Y-%m-%d %H:%M} UTC, and the repository was signed at {last:%Y-%m-%d %H:%M} UTC",
            hint="set the clock",
        )


def _expires(signed: Any) -> datetime:
    return signed.expires.replace(tzinfo=UTC)  # type: ignore[no-any-return]
