"""New metadata come into force together, or wait for signatures; at each moment a client sees the old or the new.

Order (TUF specification 1.0.31, section 6, and what `_root_last` says): channels, targets, snapshot, timestamp. The
files before the timestamp have names that nobody asks for until it names them, so the timestamp's rename is the one
moment. A new root is the other file that clients see at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...errors import TrustError
from ..keys import KeyStore
from .authority import Verdict, delegator_of, names_of, sign, verdict
from .lifetimes import days_of, ends_soon, start
from .names import ROOT, SNAPSHOT, TARGETS, TIMESTAMP, TOP_LEVEL
from .outcome import Outcome, Waiting
from .store import Store, written

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata

__all__ = ["Edited", "next_version", "settle"]

Edited = dict[str, "Metadata[Any]"]


def next_version(role: str, base: Metadata[Any], version: int, now: datetime) -> Metadata[Any]:
    """A copy to be changed: of this version, unsigned, its lifetime begun anew."""
    from tuf.api.metadata import Metadata

    made: Metadata[Any] = Metadata.from_bytes(base.to_bytes())
    made.signed.version = version
    made.signatures.clear()
    start(role, made.signed, now)
    return made


def settle(store: Store, keys: KeyStore, edited: Edited, now: datetime, *, renew: frozenset[str] = frozenset()) -> Outcome:
    """Sign what can be signed here, bring into force what has its signatures, keep the rest waiting.

    renew: of snapshot and timestamp, which to sign anew though nothing changed. Raises OutputError if the disk refuses.
    """
    return _Settling(store, keys, edited, now, renew).run()


class _Settling:
    def __init__(self, store: Store, keys: KeyStore, edited: Edited, now: datetime, renew: frozenset[str]) -> None:
        self.store, self.keys, self.now, self.renew = store, keys, now, renew
        self.candidates: Edited = dict(edited)
        self.chosen: Edited = dict(edited)
        self.late: dict[str, tuple[str, ...]] = {}
        """Role → who signs after it and is not here."""

    def run(self) -> Outcome:
        for role in self.candidates:
            self._sign(role)
        self._choose()
        self._refuse_expired_root()
        sealed = self._seal()
        if sealed is None and self._root_can_go_alone():
            self._postpone(set(self.chosen) - {ROOT})
            sealed = {}
        elif sealed is None:
            self._postpone(set(self.chosen))
            sealed = {}
        self._write(sealed)
        return Outcome(
            {role: one.signed.version for role, one in {**self.chosen, **sealed}.items()},
            self._waiting(),
            tuple(warnings(self.store, self.now)),
        )

    # What can come into force

    def _choose(self) -> None:
        """All that have their signatures under each other; what needs one that has not waits with it."""
        while True:
            self._sign_what_was_signed_by_others()
            unmet = {role for role in self.chosen if self._missing(role, self.chosen[role])}
            if not unmet:
                return
            for role in unmet:
                del self.chosen[role]
            # A key that is to be given up counts until the role is signed by those that follow.
            gone = {role for role in unmet if role not in self.candidates or self._is_derived(role)}
            for role in gone:
                self.chosen.pop(delegator_of(role), None)

    def _sign_what_was_signed_by_others(self) -> None:
        """Metadata in force that new keys or thresholds would make invalid, signed anew."""
        for role in (TARGETS, *(name for name in self.store.roles() if name != TARGETS)):
            old = self.store.maybe(role)
            if old is None or role in self.candidates or not self._missing(role, old):
                continue
            self.candidates[role] = next_version(role, old, old.signed.version + 1, self.now)
            self.derived.add(role)
            self._sign(role)
            self.chosen[role] = self.candidates[role]
