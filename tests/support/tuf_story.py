"""A repository that tests may spoil: keys, roles, small bundles and their pointers, by TUF's own classes alone.

It is what `sepia ship publish` makes, made a second way: the board's side must read both. Each role has its keys in
hand, so that an attacker may have some of them (`forger`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from copy import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner
from sepia.ship.delta import make
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from support.small_bundles import MODEL, TARGETS, SmallBundle, make_small_bundle
from support.tuf_forgery import Forger

__all__ = ["CHANNEL", "Story"]

CHANNEL = "stable"
_DAYS = 30


class Story:
    """folder: for the bundles and the repository (`repository`, to be served). threshold: of the model's role.

    deltas: whether a version is offered as a difference to the one before, too.
    """

    def __init__(
        self,
        folder: Path,
        *,
        model: str = MODEL,
        channel: str = CHANNEL,
        target: str = TARGETS["arm64"],
        threshold: int = 1,
        deltas: bool = True,
    ) -> None:
        self.folder, self.repository = folder, folder / "repository"
        self.model, self.channel, self.target, self.deltas = model, channel, target, deltas
        self.role = f"{model}.{channel}"
        self.signers = {
            name: [CryptoSigner.generate_ed25519() for _ in range(count)]
            for name, count in {
                "root": 2,
                "timestamp": 1,
                "snapshot": 1,
                "targets": 1,
                self.role: threshold,
            }.items()
        }
        self.bundles: list[SmallBundle] = []
        self.forger = Forger(self.repository, self.signers)
        self._create(threshold)

    @property
    def root(self) -> Path:
        """What an operator installs on a board."""
        return self.repository / "metadata" / "1.root.json"

    def path(self, file: str) -> str:
        """The target of this name in TUF's metadata."""
        return f"{self.model}/{self.channel}/{self.target}/{file}"

    def publish(self, version: str, **bundle: Any) -> SmallBundle:
        """A new version for everybody. bundle: as `make_small_bundle` takes it."""
        made = make_small_bundle(self.folder / "bundles", version, target=self.target, model=self.model, **bundle)
        files = [self._put(f"{version}.sepia", made.path.read_bytes())]
        told = []
        if self.deltas and self.bundles:
            base = self.bundles[-1]
            name = f"{version}.from-{base.sha256[:12]}.bsdiff"
            make(base.path, made.path, self.folder / name)
            files.append(self._put(name, (self.folder / name).read_bytes()))
            told.append({"base": base.sha256, "path": self.path(name)})
        self.point(version, files, deltas=told)
        self.bundles.append(made)
        return made

    def publish_file(self, version: str, file: Path) -> None:
        """Any file as the bundle of a version, signed as it should be."""
        self.point(version, [self._put(f"{version}.sepia", file.read_bytes())])

    def point(self, version: str, files: Iterable[TargetFile], *, deltas: Iterable[dict[str, str]] = ()) -> None:
        """Let `files` be known, and `version` be the current one."""
        pointer = {
            "schema": 1,
            "version": version,
            "bundle": self.path(f"{version}.sepia"),
            "rollout": 1.0,
            "deltas": list(deltas),
            "before": None,
        }
        known = [*files, self._put("current.json", json.dumps(pointer).encode())]

        def add(targets: Any) -> None:
            targets.targets.update({file.path: file for file in known})

        self.forger.edit(self.role, add)
        self.forger.seal(self.role)

    def fork(self, folder: Path) -> Story:
        """A copy in `folder` that goes its own way, with the same keys."""
        other = copy(self)
        other.folder, other.repository, other.bundles = folder, folder / "repository", list(self.bundles)
        other.signers = dict(self.signers)
        other.forger = Forger(other.repository, other.signers)
        shutil.copytree(self.repository, other.repository)
        return other

    def _put(self, file: str, data: bytes) -> TargetFile:
        return self.forger.put_target(self.path(file), data)

    def _create(self, threshold: int) -> None:
        (self.repository / "metadata").mkdir(parents=True)
        expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=_DAYS)
        root = Root(expires=expires, consistent_snapshot=True)
        for name in ("root", "timestamp", "snapshot", "targets"):
            for signer in self.signers[name]:
                root.add_key(signer.public_key, name)
        root.roles["root"].threshold = 2
        keys = {signer.public_key.keyid: signer.public_key for signer in self.signers[self.role]}
        delegated = DelegatedRole(
            self.role, list(keys), threshold, terminating=True, paths=[f"{self.model}/{self.channel}/*/*"]
        )
        names = {"targets.json": MetaFile(1), f"{self.role}.json": MetaFile(1)}
        self._write("root", root)
        self._write("targets", Targets(expires=expires, delegations=Delegations(keys, {self.role: delegated})))
        self._write(self.role, Targets(expires=expires))
        self._write("snapshot", Snapshot(expires=expires, meta=names))
        self._write("timestamp", Timestamp(expires=expires, snapshot_meta=MetaFile(1)))

    def _write(self, role: str, signed: Any) -> None:
        told: Metadata[Any] = Metadata(signed)
        for signer in self.signers[role]:
            told.sign(signer, append=True)
        name = "timestamp.json" if role == "timestamp" else f"1.{role}.json"
        told.to_file(str(self.repository / "metadata" / name))
