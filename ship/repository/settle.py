"""New metadata come into force together, or wait for signatures; at each moment a client sees the old or the new.

Order: channels, targets, snapshot, timestamp (TUF specification 1.0.31, section 6). The files before the timestamp have
names that nobody asks for until it names them, so the timestamp's rename is the one moment. A new root is the other
file that clients see at once: where it changes keys, the last files before it are signed by the old keys and the new.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...errors import TrustError
from ..keys import KeyStore
from .authority import delegator_of, sign, verdict
from .lifetimes import ONLINE, start
from .names import ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from .outcome import Outcome
from .store import Store, written
from .waiting import waiting_for
from .warnings import warnings_of

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata, MetaFile

__all__ = ["Edited", "next_version", "settle"]

Edited = dict[str, "Metadata[Any]"]
"""Role → its next metadata."""


def next_version(role: str, base: Metadata[Any], version: int, now: datetime) -> Metadata[Any]:
    """A copy to be changed: of this version, unsigned, its lifetime begun anew."""
    from tuf.api.metadata import Metadata

    made: Metadata[Any] = Metadata.from_bytes(base.to_bytes())
    made.signed.version = version
    made.signatures.clear()
    start(role, made.signed, now)
    return made


def settle(
    store: Store,
    keys: KeyStore,
    edited: Edited,
    now: datetime,
    *,
    renew: frozenset[str] = frozenset(),
    sign_edited: bool = True,
) -> Outcome:
    """Sign what can be signed here, bring into force what has its signatures, keep the rest waiting.

    sign_edited: False where only what follows from `edited` is to be signed here, and it has its signatures or waits.
    renew: of snapshot and timestamp, which to sign anew though nothing else changed. Raises TrustError: the root is
    expired, or what is to be renewed can't be signed here; OutputError: the disk refuses.
    """
    settling = _Settling(store, keys, edited, now, sign_edited=sign_edited)
    sealed = settling.sealed(renew)
    if sealed is None and renew and not edited:
        raise TrustError(
            str(keys.folder), "has not the keys of snapshot and timestamp", hint="name another with --keys"
        )
    settling.write(sealed or {})
    versions = {role: one.signed.version for role, one in {**settling.chosen, **(sealed or {})}.items()}
    return Outcome(versions, waiting_for(store, keys), warnings_of(store, now))


class _Settling:
    """candidates: everything new, what must be signed anew because of it too. chosen: what can come into force."""

    def __init__(self, store: Store, keys: KeyStore, edited: Edited, now: datetime, *, sign_edited: bool) -> None:
        self.store, self.keys, self.now = store, keys, now
        self.candidates: Edited = dict(edited)
        for role in edited if sign_edited else ():
            self._sign(role)
        self.derived = set(self._sign_anew())
        self.chosen = dict(self.candidates)
        while self._give_up_one():
            pass

    def sealed(self, renew: frozenset[str]) -> Edited | None:
        """Snapshot and timestamp for what is chosen, as far as new ones are needed; None: their keys are not here.

        Of what is chosen a root may remain then, if everything in force is right under it.
        """
        sealed = self._seal(renew)
        if sealed is None:
            self.chosen = {role: one for role, one in self.chosen.items() if role == ROOT}
            if self._seal(frozenset()) != {} or not self._is_whole():
                self.chosen = {}
        self._refuse_expired_root({**self.chosen, **(sealed or {})})
        return sealed

    def write(self, sealed: Edited) -> None:
        for role in self.candidates.keys() - self.chosen.keys() - self._needless():
            self.store.put_waiting(role, self.candidates[role])
        files = {**self.chosen, **sealed}
        root = {ROOT: files.pop(ROOT)} if ROOT in files else {}
        order = sorted(files, key=lambda role: (role == TIMESTAMP, role == SNAPSHOT, role == TARGETS, role))
        ordered = {role: files[role] for role in order}
        last = self._is_right_under_old_root(files)
        for role, one in ({**ordered, **root} if last else {**root, **ordered}).items():
            self.store.place(role, one)
        for role in self.chosen:
            self.store.drop_waiting(role)

    # Who signs

    def _sign(self, role: str) -> None:
        one = self.candidates[role]
        sign(one, role, self._delegators(role), self.keys)

    def _delegators(self, role: str) -> list[Metadata[Any] | None]:
        if role == ROOT:
            return [self.store.maybe(ROOT), self.candidates[ROOT]]
        delegator = delegator_of(role)
        new, old = self.candidates.get(delegator), self.store.maybe(delegator)
        if new is None or delegator == TARGETS:
            return [new or old]  # the timestamp brings a channel and its new keys into force together
        return [new, old]

    def _sign_anew(self) -> list[str]:
        """Metadata in force that their delegator's new keys would make invalid."""
        found = []
        for role in self.store.roles():
            old = self.store.in_force(role)
            if role not in self.candidates and not _is_signed(self._newest(delegator_of(role)), role, old):
                self.candidates[role] = next_version(role, old, old.signed.version + 1, self.now)
                self._sign(role)
                found.append(role)
        return found

    def _newest(self, role: str) -> Metadata[Any] | None:
        return self.candidates.get(role) or self.store.maybe(role)

    # What can come into force

    def _give_up_one(self) -> bool:
        """Take from what is chosen the first that can't come into force; whether there was one."""
        for role, one in self.chosen.items():
            if not self._is_right(role, one) or role in self._needless():
                del self.chosen[role]
                return True
        for role in self._named_roles():
            delegator, held = delegator_of(role), self._effective(role)
            if delegator in self.chosen and (held is None or not self._is_right(role, held)):
                del self.chosen[delegator]
                return True
        return False

    def _needless(self) -> set[str]:
        """What was to be signed anew for a delegator that does not come into force now."""
        return {
            role
            for role in self.derived
            if delegator_of(role) in self.candidates
            and delegator_of(role) not in self.chosen
            and _is_signed(self.candidates[delegator_of(role)], role, self.candidates[role])
        }

    def _named_roles(self) -> tuple[str, ...]:
        targets = self._effective(TARGETS)
        channels = () if targets is None or targets.signed.delegations is None else targets.signed.delegations.roles
        return (TARGETS, *(channels or ()))

    def _effective(self, role: str) -> Metadata[Any] | None:
        return self.chosen.get(role) or self.store.maybe(role)

    def _is_right(self, role: str, one: Metadata[Any]) -> bool:
        if role == ROOT:
            old = self.store.maybe(ROOT)
            return _is_signed(one, ROOT, one) and (old is None or _is_signed(old, ROOT, one))
        return _is_signed(self._effective(delegator_of(role)), role, one)

    def _is_whole(self) -> bool:
        roles = (*self._named_roles(), SNAPSHOT, TIMESTAMP)
        return all((one := self._effective(role)) is not None and self._is_right(role, one) for role in roles)

    def _is_right_under_old_root(self, files: Edited) -> bool:
        old = self.store.maybe(ROOT)
        top = [(role, one) for role, one in files.items() if delegator_of(role) == ROOT]
        return old is None or all(_is_signed(old, role, one) for role, one in top)

    def _refuse_expired_root(self, files: Edited) -> None:
        root = self._effective(ROOT)
        if files and root is not None and root.signed.is_expired(self.now):
            raise TrustError(
                str(self.store.folder),
                f"its root expired on {root.signed.expires:%Y-%m-%d}: no board accepts anything any more",
                hint=f"sepia ship keys renew {self.store.folder} root",
            )

    # Snapshot and timestamp

    def _seal(self, renew: frozenset[str]) -> Edited | None:
        sealed: Edited = {}
        if {SNAPSHOT} & renew or self.chosen.keys() - {ROOT} or not self._holds(SNAPSHOT):
            sealed[SNAPSHOT] = self._sealed(SNAPSHOT)
            for role in self.chosen.keys() - {ROOT}:
                sealed[SNAPSHOT].signed.meta[f"{role}.json"] = _meta(self.chosen[role])
            self._sign_seal(SNAPSHOT, sealed[SNAPSHOT])
        if sealed or renew or not self._holds(TIMESTAMP):
            sealed[TIMESTAMP] = self._sealed(TIMESTAMP)
            if SNAPSHOT in sealed:
                sealed[TIMESTAMP].signed.snapshot_meta = _meta(sealed[SNAPSHOT])
            self._sign_seal(TIMESTAMP, sealed[TIMESTAMP])
        return sealed if all(self._is_right(role, one) for role, one in sealed.items()) else None

    def _holds(self, role: str) -> bool:
        one = self.store.maybe(role)
        nothing_yet = self.store.maybe(ROOT) is None and ROOT not in self.chosen
        return nothing_yet or (one is not None and self._is_right(role, one))

    def _sealed(self, role: str) -> Metadata[Any]:
        from tuf.api.metadata import Metadata, Snapshot, Timestamp

        old, root = self.store.maybe(role), self._effective(ROOT)
        first: Metadata[Any] = Metadata(Snapshot(meta={})) if role == SNAPSHOT else Metadata(Timestamp())
        made = next_version(role, old or first, 1 if old is None else old.signed.version + 1, self.now)
        days = None if root is None else root.signed.unrecognized_fields.get(ONLINE, {}).get(role)
        start(role, made.signed, self.now, days)
        return made

    def _sign_seal(self, role: str, one: Metadata[Any]) -> None:
        sign(one, role, [self._effective(ROOT), self.store.maybe(ROOT)], self.keys)


def _is_signed(delegator: Metadata[Any] | None, role: str, one: Metadata[Any]) -> bool:
    found = verdict(delegator, role, one)
    return found is not None and not found.missing


def _meta(metadata: Metadata[Any]) -> MetaFile:
    """With length and digest: the key of a channel alone changes nothing that snapshot did not sign."""
    from tuf.api.metadata import MetaFile

    data = written(metadata)
    return MetaFile(metadata.signed.version, len(data), {"sha256": hashlib.sha256(data).hexdigest()})
