"""Signatures that go on holding: what the publisher's timer runs each day, and what people do a few times a year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ...errors import ConfigError, nearest
from ..keys import KeyStore
from .edit import editing
from .lifetimes import ends_soon, refuse_odd_days, start
from .names import ROOT, SNAPSHOT, TIMESTAMP
from .outcome import Outcome

__all__ = ["renew"]

_ONLINE = frozenset({SNAPSHOT, TIMESTAMP})
_HALF = 0.5


def renew(
    folder: Path, keys: KeyStore, roles: Sequence[str] = (), *, days: int | None = None, at: datetime | None = None
) -> Outcome:
    """Sign anew what ends: the timestamp always, the snapshot once half of its time is over.

    roles: others to sign anew now, whether they end or not. Of those with keys offline the next version waits for
    signatures where the keys are not here. days: another lifetime from now on, of `roles`. It also repairs what an
    interrupted change of root's keys left. Raises ConfigError (no such role), TrustError (no key of the timestamp).
    """
    refuse_odd_days(days)
    with editing(folder, keys, at) as edit:
        known = (ROOT, *edit.store.roles(), SNAPSHOT, TIMESTAMP)
        for role in roles:
            if role not in known:
                raise ConfigError(role, f"is no role of {folder}", accepted=nearest(role, known))
            if role not in _ONLINE:
                start(role, edit.signed(role), edit.at, days)
        snapshot = edit.store.maybe(SNAPSHOT)
        ends = snapshot is None or ends_soon(SNAPSHOT, snapshot.signed, edit.at, _HALF)
        online = {TIMESTAMP} | (_ONLINE & set(roles)) | ({SNAPSHOT} if ends else set())
        return edit.settle(frozenset(online))
