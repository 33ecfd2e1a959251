"""One channel of a model as its role signs for it: bundles, deltas and a pointer a target.

What TUF leaves to us stands in "custom" of each target file (TUF specification 1.0.31, section 4.5):
bundle {"published": time, "before": version or null, "withdrawn": time}, delta {"base": SHA-256}.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConfigError, TrustError, nearest
from ..agent.pointer import MOST_DELTAS, DeltaAt, Pointer, folder_of, read_pointer
from ..host_error import host_error
from .edit import Edit
from .names import POINTER, TARGETS, bundle_path, pointer_path, role_of, stored_at
from .pointer import write_pointer
from .store import Store, read

if TYPE_CHECKING:
    from tuf.api.metadata import TargetFile

__all__ = ["Channel", "Version", "channel_of", "refuse_unknown_channel"]

_PRUNED = "x-sepia-pruned"
"""In a channel's metadata: path → SHA-256 of bundles that are not kept any more: no other ever takes such a name."""


@dataclass(frozen=True)
class Version:
    """A published bundle. published: ISO 8601, UTC. before: what the pointer named before it. withdrawn: time or ""."""

    version: str
    path: str
    sha256: str
    bytes: int
    published: str
    before: str | None
    withdrawn: str


class Channel:
    """signed: the role's `Targets`, which the methods that put something change."""

    def __init__(self, store: Store, model: str, channel: str, signed: Any) -> None:
        self.store, self.model, self.channel, self.signed = store, model, channel, signed

    def folder(self, target: str) -> str:
        return folder_of(self.model, self.channel, target)

    def targets(self) -> tuple[str, ...]:
        """That have a pointer."""
        return tuple(sorted(path.split("/")[2] for path in self.signed.targets if path.endswith(f"/{POINTER}")))

    def pointer(self, target: str) -> Pointer | None:
        """Raises TrustError if the file is not what is signed."""
        file = self.signed.targets.get(pointer_path(self.folder(target)))
        if file is None:
            return None
        path = self.at(file)
        data = read(path)
        if hashlib.sha256(data).hexdigest() != file.hashes["sha256"]:
            raise TrustError(str(path), "is not the file that was signed")
        with host_error():
            return read_pointer(data, self.folder(target))

    def versions(self, target: str) -> tuple[Version, ...]:
        """Oldest first."""
        found = [_version(path, file) for path, file in self._files(target, ".sepia")]
        return tuple(sorted(found, key=lambda one: (one.published, one.version)))

    def version(self, target: str, version: str) -> Version | None:
        return next((one for one in self.versions(target) if one.version == version), None)

    def pruned_sha256(self, target: str, version: str) -> str | None:
        found = self.signed.unrecognized_fields.get(_PRUNED, {}).get(bundle_path(self.folder(target), version))
        return None if found is None else str(found)

    def deltas(self, target: str, version: str) -> tuple[DeltaAt, ...]:
        """To this version, newest base last."""
        prefix = f"{self.folder(target)}{version}.from-"
        found = [
            DeltaAt(str((file.custom or {}).get("base", "")), path)
            for path, file in self._files(target, ".bsdiff")
            if path.startswith(prefix)
        ]
        order = {one.sha256: number for number, one in enumerate(self.versions(target))}
        return tuple(sorted(found, key=lambda one: order.get(one.base, -1)))[-MOST_DELTAS:]

    def at(self, file: TargetFile) -> Path:
        return self.store.targets / stored_at(file.path, file.hashes.values())

    def file(self, path: str) -> TargetFile:
        found: TargetFile = self.signed.targets[path]
        return found

    def put(self, path: str, length: int, sha256: str, custom: dict[str, Any] | None = None) -> None:
        from tuf.api.metadata import TargetFile

        extra = {"custom": custom} if custom else None
        self.signed.targets[path] = TargetFile(length, {"sha256": sha256}, path, extra)

    def point(self, target: str, pointer: Pointer) -> None:
        data = write_pointer(pointer, self.folder(target))
        path, sha256 = pointer_path(self.folder(target)), hashlib.sha256(data).hexdigest()
        with self.store.new_target(stored_at(path, [sha256])) as partial:
            if partial is not None:
                partial.write_bytes(data)
        self.put(path, len(data), sha256)

    def mark_withdrawn(self, target: str, version: str, time: str) -> None:
        file = self.file(bundle_path(self.folder(target), version))
        file.unrecognized_fields["custom"] = {**(file.custom or {}), "withdrawn": time}

    def forget(self, path: str) -> None:
        """Offer a file no longer; of a bundle its digest is kept."""
        file = self.signed.targets.pop(path)
        if path.endswith(".sepia"):
            self.signed.unrecognized_fields.setdefault(_PRUNED, {})[path] = file.hashes["sha256"]

    def _files(self, target: str, ending: str) -> Iterator[tuple[str, TargetFile]]:
        folder = self.folder(target)
        return (
            (path, file)
            for path, file in self.signed.targets.items()
            if path.startswith(folder) and path.endswith(ending)
        )


def channel_of(edit: Edit, model: str, channel: str) -> Channel:
    """To be changed. Raises ConfigError for a model or a channel that the repository has no role for."""
    refuse_unknown_channel(edit, model, channel)
    return Channel(edit.store, model, channel, edit.signed(role_of(model, channel)))


def refuse_unknown_channel(edit: Edit, model: str, channel: str) -> None:
    """Raises ConfigError."""
    role, folder = role_of(model, channel), edit.store.folder
    signed = edit.store.in_force(TARGETS).signed
    known = tuple(signed.delegations.roles) if signed.delegations is not None else ()
    if role in known:
        return
    if role in edit.store.waiting():
        raise ConfigError(role, "waits for signatures", hint=f"sepia ship keys sign {folder}")
    accepted = nearest(role, known) if known else ""
    hint = f"sepia ship keys delegate {folder} {model} {channel}"
    raise ConfigError(role, "is no channel of a model here", accepted=accepted, hint=hint)


def _version(path: str, file: TargetFile) -> Version:
    custom = file.custom or {}
    version = path.rsplit("/", 1)[1].removesuffix(".sepia")
    published, withdrawn = str(custom.get("published", "")), str(custom.get("withdrawn", ""))
    return Version(version, path, file.hashes["sha256"], file.length, published, custom.get("before"), withdrawn)
