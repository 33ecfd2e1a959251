"""One change to a repository: roles edited, signed by the keys that are here, and served once every threshold is met.

What is not signed enough waits in `staged/` and is signed there by others (`sign`). Nothing that is served refers to
anything that is not there: files first, then roles, snapshot, and the timestamp, whose renaming is the switch. A new
root comes last where the old one accepts the new timestamp too, else first.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp

from ...errors import ConfigError, TrustError
from ..keys import KeyStore
from .folder import Folder, name_of, read, write
from .roles import ONLINE, TOP, expires_at

__all__ = ["Change", "Waiting", "changing", "now_utc", "sign_staged", "waiting"]

_Now = Callable[[], datetime]


def now_utc() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Waiting:
    """A role that is not signed enough. have, need: signatures. missing: keyids that may still sign."""

    role: str
    have: int
    need: int
    missing: tuple[str, ...]


class Change:
    """Roles as they will be. `edit(role)` gives one to be changed; the rest is left as it is."""

    def __init__(self, folder: Folder, keys: KeyStore, now: datetime) -> None:
        self.folder, self.keys, self.now = folder, keys, now
        self.served_root: Metadata[Root] | None = folder.load("root") if folder.exists() else None
        self._roles: dict[str, Metadata[Any]] = {}
        self._touched: dict[str, None] = {}
        self._first: set[str] = set()

    def see(self, role: str) -> Metadata[Any]:
        """To be looked at."""
        if role not in self._roles:
            self._roles[role] = self.folder.load(role)
        return self._roles[role]

    def edit(self, role: str) -> Any:
        """What is signed in a role, to be changed: a Root, a Targets. Its version rises once in a change."""
        metadata = self.see(role)
        if role not in self._touched:
            self._touched[role] = None
            metadata.signed.version += role not in self._first
        metadata.signed.expires = expires_at(role, self.now)
        metadata.signatures.clear()
        return metadata.signed

    def add(self, role: str, signed: Root | Targets | Snapshot | Timestamp) -> None:
        """A role that was not there before."""
        signed.expires = expires_at(role, self.now)
        self._roles[role] = Metadata(signed)
        self._touched[role] = None

    @property
    def touched(self) -> tuple[str, ...]:
        return tuple(self._touched)

    def commit(self) -> tuple[Waiting, ...]:
        """Sign and serve; what still waits, or nothing where it is served. Raises TrustError where no key here may."""
        edited = {role: self._roles[role] for role in self._touched if role not in ONLINE}
        for role, metadata in edited.items():
            self._sign(role, metadata)
        waits = tuple(wait for role, metadata in edited.items() if (wait := self._wait(role, metadata)))
        online = self._online()
        if waits or online is None:
            self._stage(edited)
            return waits or self._online_waits()
        self._serve(edited, online)
        return ()

    # --- signing ----------------------------------------------------------------------------------------------------

    def _delegators(self, role: str) -> list[Root | Targets]:
        """Who says which keys may sign: of a root, the one before it, too (TUF 1.0, section 5.3.4)."""
        root: Root = self.see("root").signed
        if role == "root":
            return [root] if self.served_root is None else [self.served_root.signed, root]
        return [root] if role in TOP else [self.see("targets").signed]

    def _sign(self, role: str, metadata: Metadata[Any]) -> None:
        allowed = {keyid for delegator in self._delegators(role) for keyid in _keyids(delegator, role)}
        for key in self.keys.holding(allowed):
            if key.keyid not in metadata.signatures or role in ONLINE:
                metadata.sign(self.keys.signer(key.name), append=True)

    def _wait(self, role: str, metadata: Metadata[Any]) -> Waiting | None:
        for delegator in self._delegators(role):
            found = delegator.get_verification_result(role, metadata.signed_bytes, metadata.signatures)
            if not found.verified:
                return Waiting(role, len(found.signed), found.threshold, tuple(found.unsigned))
        return None

    # --- what is signed with every publication ----------------------------------------------------------------------

    def _online(self) -> dict[str, Metadata[Any]] | None:
        """Snapshot and timestamp of the roles as they will be; None if their keys are not here."""
        root: Root = self.see("root").signed
        if any(len(self.keys.holding(_keyids(root, role))) < root.roles[role].threshold for role in ONLINE):
            return None
        self._begin_online()
        snapshot: Snapshot = self.edit("snapshot")
        for role in ("targets", *self._delegated()):
            snapshot.meta[f"{role}.json"] = MetaFile(self.see(role).signed.version)
        for name in list(snapshot.meta):
            if name.removesuffix(".json") not in ("targets", *self._delegated()):
                del snapshot.meta[name]
        timestamp: Timestamp = self.edit("timestamp")
        timestamp.snapshot_meta = MetaFile(snapshot.version)
        made = {role: self._roles[role] for role in ONLINE}
        for role, metadata in made.items():
            self._sign(role, metadata)
            if self.served_root is not None:
                # Also with the keys of the root before, so that it holds whichever root a board has read.
                for key in self.keys.holding(_keyids(self.served_root.signed, role)):
                    metadata.sign(self.keys.signer(key.name), append=True)
        return made

    def _begin_online(self) -> None:
        """Those of a new repository."""
        if self.folder.versions("snapshot"):
            return
        for role, signed in (("snapshot", Snapshot()), ("timestamp", Timestamp())):
            self._roles[role] = Metadata(signed)
            self._first.add(role)

    def _online_waits(self) -> tuple[Waiting, ...]:
        root: Root = self.see("root").signed
        return tuple(
            Waiting(role, 0, root.roles[role].threshold, tuple(root.roles[role].keyids))
            for role in ONLINE
            if len(self.keys.holding(root.roles[role].keyids)) < root.roles[role].threshold
        )

    def _delegated(self) -> list[str]:
        delegations = self.see("targets").signed.delegations
        return list(delegations.roles or ()) if delegations else []

    # --- to the disk ------------------------------------------------------------------------------------------------

    def _stage(self, edited: dict[str, Metadata[Any]]) -> None:
        for role, metadata in edited.items():
            write(self.folder.staged / name_of(role, metadata.signed.version), metadata)

    def _serve(self, edited: dict[str, Metadata[Any]], online: dict[str, Metadata[Any]]) -> None:
        order = [role for role in edited if role != "root"] + list(ONLINE)
        if "root" in edited:
            order.insert(len(order) if self._holds_under_the_old_root(online) else 0, "root")
        for role in order:
            metadata = self._roles[role]
            write(self.folder.metadata / name_of(role, metadata.signed.version), metadata)
        if self.folder.staged.is_dir():
            shutil.rmtree(self.folder.staged)

    def _holds_under_the_old_root(self, online: dict[str, Metadata[Any]]) -> bool:
        if self.served_root is None:
            return False
        try:
            for role, metadata in {**online, "targets": self.see("targets")}.items():
                self.served_root.signed.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
        except UnsignedMetadataError:
            return False
        return True


@contextmanager
def changing(path: Path, keys: KeyStore, now: _Now = now_utc) -> Iterator[Change]:
    """A change under the repository's lock; the caller commits it. Raises ConfigError while another one waits."""
    folder = Folder(path)
    folder.require()
    with folder.locked():
        if any(folder.staged.glob("*.json")):
            names = ", ".join(sorted(file.name for file in folder.staged.glob("*.json")))
            hint = f"sepia ship keys sign {path}, or --abandon"
            raise ConfigError(str(path), f"a change waits for signatures ({names})", hint=hint)
        yield Change(folder, keys, _refused_clock(folder, now()))


def waiting(path: Path) -> tuple[str, ...]:
    """Names of the metadata files of a change that waits."""
    return tuple(sorted(file.name for file in Folder(path).staged.glob("*.json")))


def sign_staged(path: Path, keys: KeyStore, now: _Now = now_utc) -> tuple[Waiting, ...]:
    """Sign what waits with the keys that are here, and serve it if that is enough. Raises ConfigError if nothing waits,
    TrustError if no key here may sign.
    """
    folder = Folder(path)
    if not (folder.staged / "1.root.json").is_file():
        folder.require()
    with folder.locked():
        files = sorted(folder.staged.glob("*.json"))
        if not files:
            raise ConfigError(str(path), "nothing waits for a signature")
        change = Change(folder, keys, now())
        for file in files:
            role = file.stem.partition(".")[2]
            change._roles[role] = read(file)
            change._touched[role] = None
        before = {role: dict(change._roles[role].signatures) for role in change.touched}
        waits = change.commit()
        if waits and all(dict(change._roles[role].signatures) == before[role] for role in before):
            raise TrustError(str(keys.folder), "no key here may sign what waits", hint=_who(waits))
        return waits


def _who(waits: tuple[Waiting, ...]) -> str:
    return "; ".join(f"{wait.role} needs {wait.need - wait.have} more" for wait in waits)


def _keyids(delegator: Root | Targets, role: str) -> list[str]:
    if isinstance(delegator, Root):
        return list(delegator.roles[role].keyids)
    roles = delegator.delegations.roles if delegator.delegations else None
    return list(roles[role].keyids) if roles and role in roles else []


def _refused_clock(folder: Folder, now: datetime) -> datetime:
    """A clock before the last signature would sign what has expired already."""
    timestamp = folder.load("timestamp").signed
    signed_at = timestamp.expires.replace(tzinfo=UTC) - (expires_at("timestamp", now) - now.replace(microsecond=0))
    if now < signed_at.replace(microsecond=0) and (signed_at - now).total_seconds() > 3600:
        what = f"was signed at {signed_at:%Y-%m-%d %H:%M}, and this machine's clock says {now:%Y-%m-%d %H:%M}"
        raise ConfigError(str(folder.path), what, hint="set the clock")
    return now
