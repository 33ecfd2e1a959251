"""What ends soon, in a line each."""

from __future__ import annotations

from datetime import UTC, datetime

from .lifetimes import ends_soon
from .names import ROOT, SNAPSHOT, TIMESTAMP
from .store import Store

__all__ = ["warnings_of"]


def warnings_of(store: Store, now: datetime) -> tuple[str, ...]:
    """Of every role in force with less than a third of its lifetime left."""
    found = []
    for role in (ROOT, TIMESTAMP, SNAPSHOT, *store.roles()):
        one = store.maybe(role)
        if one is not None and ends_soon(role, one.signed, now):
            ends = one.signed.expires.replace(tzinfo=UTC)
            word = "expired" if ends <= now else "expires"
            found.append(f"{role} {word} on {ends:%Y-%m-%d %H:%M} UTC")
    return tuple(found)
