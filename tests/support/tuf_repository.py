"""A repository of small files in Sepia's layout, by TUF's own classes alone, with every key in the test's hand.

    repository = TufRepository(folder)
    repository.offer("1.0.0", b"a bundle")
    repository.rotate("timestamp")

Roles: root (2 of 2), timestamp, snapshot, targets, and one for each channel.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, MetaFile, Root, Snapshot, Targets, Timestamp

from support.tuf_forgery import Forger

__all__ = ["NOW", "TARGET", "TufRepository", "new_signers"]

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
"""When the tests take place."""
TARGET = "pi4-bookworm64-litert-t4"
ROLES = ("lite0.stable", "lite0.beta", "mobile.stable")
_TOP = ("root", "timestamp", "snapshot", "targets")


def new_signers(count: int = 1) -> list[CryptoSigner]:
    return [CryptoSigner.generate_ed25519() for _ in range(count)]


class TufRepository:
    """folder: with metadata/ and targets/. signers: role → who signs it. thresholds: of the channels; others need 1."""

    def __init__(
        self, folder: Path, *, roles: Sequence[str] = ROLES, thresholds: Mapping[str, int] | None = None, days: int = 30
    ) -> None:
        self.folder, self.roles = folder, tuple(roles)
        self.expires = NOW + timedelta(days=days)
        self.thresholds = {"root": 2, **dict(thresholds or {})}
        self.signers = {role: new_signers(self.thresholds.get(role, 1)) for role in (*_TOP, *roles)}
        self.forger = Forger(folder, self.signers)
        self._create()

    @property
    def root(self) -> bytes:
        """What an operator installs on a board."""
        return (self.folder / "metadata" / "1.root.json").read_bytes()

    def offer(
        self,
        version: str,
        data: bytes,
        *,
        role: str = ROLES[0],
        target: str = TARGET,
        deltas: Mapping[str, bytes] | None = None,
        **pointer: Any,
    ) -> None:
        """Publish a version. deltas: the base's SHA-256 → the delta. pointer: other fields of current.json."""
        at = f"{role.replace('.', '/', 1)}/{target}/"
        files = {f"{at}{version}.sepia": data}
        told: list[dict[str, str]] = []
        for base, delta in (deltas or {}).items():
            path = f"{at}{version}.from-{base[:12]}.bsdiff"
            files[path] = delta
            told.append({"base": base, "path": path})
        fields = {"schema": 1, "version": version, "bundle": f"{at}{version}.sepia", "rollout": 1.0}
        files[f"{at}current.json"] = json.dumps({**fields, "deltas": told, "before": None, **pointer}).encode()
        self.sign_for(role, files)

    def sign_for(self, role: str, files: Mapping[str, bytes]) -> None:
        """Let `role` say these files; the snapshot and the timestamp follow."""
        known = {path: self.forger.put_target(path, data) for path, data in files.items()}
        self.forger.edit(role, lambda targets: targets.targets.update(known))
        self.forger.seal(role)

    def served(self, path: str) -> Path:
        """The file that clients ask for, for a target that was signed for."""
        folder, _, name = path.rpartition("/")
        found = sorted((self.folder / "targets" / folder).glob(f"*.{name}"), key=lambda file: file.stat().st_mtime_ns)
        return found[-1]

    def rotate(self, role: str, count: int = 1) -> None:
        """Other keys for a role, and its metadata signed by them."""
        old, new = self.signers[role], new_signers(count)
        self.signers[role] = new
        if role in _TOP:
            self._edit_root(role, old, new)
            if role != "root":
                self.renew(role)
            return
        self.forger.edit("targets", lambda targets: _exchange(targets, role, old, new))
        self.forger.edit(role, lambda _: None)
        self.forger.seal("targets", role)

    def renew(self, *roles: str, expires: datetime | None = None) -> None:
        """The next version of each, and of the snapshot and the timestamp above it."""

        def dated(signed: Any) -> None:
            signed.expires = expires or self.expires

        for role in roles:
            if role not in ("snapshot", "timestamp"):
                self.forger.edit(role, dated)
        named = [role for role in roles if role not in ("root", "snapshot", "timestamp")]
        self.forger.seal(*named)
        for role in ("snapshot", "timestamp"):
            if role in roles and expires is not None:
                self._redate(role, expires)

    def fork(self, folder: Path) -> TufRepository:
        """A copy in `folder` that goes its own way, with the same keys."""
        other = copy(self)
        other.folder, other.signers = self.keep(folder), dict(self.signers)
        other.forger = Forger(folder, other.signers)
        return other

    def keep(self, into: Path) -> Path:
        """A copy as it is now, to be offered again later."""
        shutil.copytree(self.folder, into)
        return into

    def _redate(self, role: str, expires: datetime) -> None:
        def dated(signed: Any) -> None:
            signed.expires = expires

        self.forger.edit(role, dated)
        if role == "snapshot":
            version = int(self.forger.newest("snapshot").name.split(".", 1)[0])
            self.forger.edit("timestamp", lambda timestamp: setattr(timestamp, "snapshot_meta", MetaFile(version)))

    def _edit_root(self, role: str, old: Iterable[CryptoSigner], new: Iterable[CryptoSigner]) -> None:
        signers = [*self.signers["root"], *(old if role == "root" else ())]
        self.forger.edit("root", lambda root: _exchange(root, role, old, new), signers=signers)

    def _create(self) -> None:
        (self.folder / "metadata").mkdir(parents=True)
        root = Root(expires=self.expires, consistent_snapshot=True)
        for role in _TOP:
            for signer in self.signers[role]:
                root.add_key(signer.public_key, role)
            root.roles[role].threshold = self.thresholds.get(role, 1)
        keys = {signer.public_key.keyid: signer.public_key for role in self.roles for signer in self.signers[role]}
        delegated = {role: self._delegated(role) for role in self.roles}
        self._write("root", root)
        self._write("targets", Targets(expires=self.expires, delegations=Delegations(keys, delegated)))
        for role in self.roles:
            self._write(role, Targets(expires=self.expires))
        named = {f"{role}.json": MetaFile(1) for role in ("targets", *self.roles)}
        self._write("snapshot", Snapshot(expires=self.expires, meta=named))
        self._write("timestamp", Timestamp(expires=self.expires, snapshot_meta=MetaFile(1)))

    def _delegated(self, role: str) -> DelegatedRole:
        keys = [signer.public_key.keyid for signer in self.signers[role]]
        path = f"{role.replace('.', '/', 1)}/*/*"
        return DelegatedRole(role, keys, self.thresholds.get(role, 1), terminating=True, paths=[path])

    def _write(self, role: str, signed: Any) -> None:
        told: Metadata[Any] = Metadata(signed)
        for signer in self.signers[role]:
            told.sign(signer, append=True)
        name = "timestamp.json" if role == "timestamp" else f"1.{role}.json"
        told.to_file(str(self.folder / "metadata" / name))


def _exchange(delegator: Any, role: str, old: Iterable[CryptoSigner], new: Iterable[CryptoSigner]) -> None:
    for signer in old:
        delegator.revoke_key(signer.public_key.keyid, role)
    for signer in new:
        delegator.add_key(signer.public_key, role)
