"""A repository's metadata, changed by somebody: with the keys that belong to a role, or with others.

Works on the folder that was published, with TUF's own classes, so that each forgery is right in all but one point.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata, MetaFile, TargetFile

__all__ = ["Forger"]

Signers = Mapping[str, Iterable[Signer]]


class Forger:
    """repository: the folder with metadata/ and targets/. signers: role → whose signatures it gets."""

    def __init__(self, repository: Path, signers: Signers) -> None:
        self.metadata, self.targets = repository / "metadata", repository / "targets"
        self.signers = signers

    def newest(self, role: str) -> Path:
        """The file of a role that is in force."""
        if role == "timestamp":
            return self.metadata / "timestamp.json"
        found = (path for path in self.metadata.glob(f"*.{role}.json") if path.name.split(".", 1)[1] == f"{role}.json")
        return max(found, key=lambda path: int(path.name.split(".", 1)[0]))

    def edit(
        self, role: str, change: Callable[[Any], object], *, signers: Iterable[Signer] | None = None, sign: bool = True
    ) -> Path:
        """The next version of `role`'s metadata, after `change`; signed by its keys or by `signers`."""
        told: Metadata[Any] = Metadata.from_file(str(self.newest(role)))
        told.signed.version += 1
        change(told.signed)
        if sign:
            told.signatures.clear()
            for signer in self.signers[role] if signers is None else signers:
                told.sign(signer, append=True)
        name = "timestamp.json" if role == "timestamp" else f"{told.signed.version}.{role}.json"
        told.to_file(str(self.metadata / name))
        return self.metadata / name

    def seal(self, *roles: str) -> None:
        """A new snapshot that names the newest version of `roles`, and a timestamp that names the snapshot."""
        versions = {role: int(self.newest(role).name.split(".", 1)[0]) for role in roles}

        def name_roles(snapshot: Any) -> None:
            for role, version in versions.items():
                snapshot.meta[f"{role}.json"] = MetaFile(version)

        def name_snapshot(timestamp: Any) -> None:
            timestamp.snapshot_meta = MetaFile(int(self.newest("snapshot").name.split(".", 1)[0]))

        self.edit("snapshot", name_roles)
        self.edit("timestamp", name_snapshot)

    def put_target(self, path: str, data: bytes) -> TargetFile:
        """Lay `data` where clients look for the target `path`; what its role must say of it."""
        sha256 = hashlib.sha256(data).hexdigest()
        folder, _, name = path.rpartition("/")
        place = self.targets / folder / f"{sha256}.{name}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return TargetFile.from_data(path, data, ["sha256"])
