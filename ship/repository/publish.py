"""`sepia ship publish`: a bundle into a channel, for a share of the boards or for all, with deltas where they pay."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tuf.api.metadata import TargetFile, Targets

from ...errors import ConfigError, InputError
from ...files import digest
from .. import delta
from ..agent import archive
from ..agent.manifest import Manifest
from ..host_error import host_error
from ..keys import KeyStore
from .change import Change, Waiting, changing, now_utc
from .pointer import CURRENT, Pointer, target_path
from .roles import model_role

__all__ = ["DELTAS", "Entry", "Published", "promote", "publish", "set_rollout", "withdraw"]

DELTAS = 3
"""Versions before that get a delta: a board that was off for longer takes the whole."""
_WORTH = 0.8
"""A delta is kept where it is smaller than this share of the whole."""

Now = Callable[[], datetime]


@dataclass(frozen=True)
class Published:
    """deltas: version that it is made from → bytes. new: False where it was there already.

    waiting: what others must still sign before boards see it.
    """

    model: str
    channel: str
    target: str
    version: str
    bytes: int
    rollout: float
    deltas: dict[str, int]
    new: bool
    waiting: tuple[Waiting, ...]


def publish(
    path: Path,
    keys: KeyStore,
    bundle: Path,
    channel: str,
    *,
    rollout: float = 1.0,
    deltas: int = DELTAS,
    now: Now = now_utc,
) -> Published:
    """Offer `bundle` on `channel` to `rollout` (0 to 1) of the boards; the others keep what they had.

    deltas: from how many versions before. Raises ConfigError (no such role, the version is there with other bytes, no
    repository), InputError (no bundle), TrustError (keys), OutputError.
    """
    manifest = _checked(bundle)
    role = model_role(manifest.model, channel)
    _refuse_share(rollout)
    with changing(path, keys, now) as change:
        _refuse_no_role(change, path, role, manifest.model, channel)
        entry = Entry(change, role, manifest.model, channel, manifest.target)
        file = entry.path(f"{manifest.version}.sepia")
        there, current = entry.files.get(file), entry.pointer()
        if there is not None and there.hashes["sha256"] != digest(bundle):
            hint = "a version never changes: give this one another number"
            raise ConfigError(str(bundle), f"version {manifest.version} is published with other contents", hint=hint)
        if there is not None and current and current.version == manifest.version and current.rollout == rollout:
            return _published(entry, manifest, there.length, current, {}, ())
        sizes = entry.put_bundle(manifest.version, bundle, deltas, current)
        pointer = Pointer(manifest.version, file, rollout, entry.deltas_to(manifest.version), _before(current, file))
        entry.point(pointer)
        return _published(entry, manifest, bundle.stat().st_size, pointer, sizes, change.commit(), new=True)


def promote(
    path: Path,
    keys: KeyStore,
    model: str,
    target: str,
    version: str,
    *,
    source: str,
    channel: str,
    rollout: float = 1.0,
    now: Now = now_utc,
) -> Published:
    """Offer on `channel` what `source` has as `version`: the same bytes, signed by the other channel's key."""
    with changing(path, keys, now) as change:
        role = model_role(model, source)
        _refuse_no_role(change, path, role, model, source)
        entry = Entry(change, role, model, source, target)
        bundle = change.folder.file_of(entry.require(version))
    return publish(path, keys, bundle, channel, rollout=rollout, now=now)


def set_rollout(
    path: Path, keys: KeyStore, model: str, channel: str, target: str, rollout: float, *, now: Now = now_utc
) -> Published:
    """Another share of the boards for the version that is offered."""
    _refuse_share(rollout)

    def raised(entry: Entry, current: Pointer) -> Pointer:
        return current.at(rollout)

    return _repointed(path, keys, model, channel, target, raised, now)


def withdraw(path: Path, keys: KeyStore, model: str, channel: str, target: str, *, now: Now = now_utc) -> Published:
    """Offer the version before again. Boards that have the newer one go back: it is a new, signed decision."""

    def older(entry: Entry, current: Pointer) -> Pointer:
        if current.before is None:
            raise ConfigError(entry.path(CURRENT), f"version {current.version} is the first", hint="publish another")
        version, file = current.before
        return Pointer(version, file, 1.0, entry.deltas_to(version))

    return _repointed(path, keys, model, channel, target, older, now)


def _repointed(
    path: Path,
    keys: KeyStore,
    model: str,
    channel: str,
    target: str,
    decide: Callable[[Entry, Pointer], Pointer],
    now: Now,
) -> Published:
    role = model_role(model, channel)
    with changing(path, keys, now) as change:
        _refuse_no_role(change, path, role, model, channel)
        entry = Entry(change, role, model, channel, target)
        current = entry.pointer()
        if current is None:
            known = ", ".join(entry.targets()) or "nothing"
            raise ConfigError(str(path), f"{role} has nothing for {target}", accepted=known)
        pointer = decide(entry, current)
        size = entry.require(pointer.version).length
        entry.point(pointer)
        waits = change.commit()
        return Published(model, channel, target, pointer.version, size, pointer.rollout, {}, True, waits)


class Entry:
    """What a role has for one target."""

    def __init__(self, change: Change, role: str, model: str, channel: str, target: str) -> None:
        self._change, self._role = change, role
        self.model, self.channel, self.target = model, channel, target

    @property
    def files(self) -> dict[str, TargetFile]:
        found: dict[str, TargetFile] = self._change.see(self._role).signed.targets
        return found

    def path(self, file: str) -> str:
        return target_path(self.model, self.channel, self.target, file)

    def targets(self) -> list[str]:
        return sorted({path.split("/")[2] for path in self.files if path.endswith(f"/{CURRENT}")})

    def pointer(self) -> Pointer | None:
        there = self.files.get(self.path(CURRENT))
        if there is None:
            return None
        with host_error():
            data = self._change.folder.file_of(there).read_bytes()
            return Pointer.from_bytes(data, self.model, self.channel, self.target)

    def require(self, version: str) -> TargetFile:
        """The bundle of a version. Raises ConfigError with those that are there."""
        found = self.files.get(self.path(f"{version}.sepia"))
        if found is None:
            known = ", ".join(self.versions()) or "none"
            raise ConfigError(self._role, f"has no version '{version}' for {self.target}", accepted=known)
        return found

    def versions(self) -> list[str]:
        """In the order of their publication."""
        start = self.path("")
        return [
            path.removeprefix(start).removesuffix(".sepia")
            for path in self.files
            if path.startswith(start) and path.endswith(".sepia")
        ]

    def put_bundle(self, version: str, bundle: Path, deltas: int, current: Pointer | None) -> dict[str, int]:
        """The bundle and the deltas to it; those deltas' bytes by the version that they start from."""
        signed: Targets = self._change.edit(self._role)
        before = [known for known in self.versions() if known != version]
        whole = self._change.folder.put(self.path(f"{version}.sepia"), bundle)
        signed.targets[whole.path] = whole
        found = {}
        for base in before[-deltas:] if deltas > 0 else ():
            made = self._delta(base, version, whole)
            if made is not None:
                signed.targets[made.path] = made
                found[base] = made.length
        return found

    def deltas_to(self, version: str) -> tuple[tuple[str, str], ...]:
        start = self.path(f"{version}.from-")
        by_digest = {file.hashes["sha256"][:12]: file.hashes["sha256"] for file in self.files.values()}
        found = (path for path in self.files if path.startswith(start))
        starts = {path: path.removeprefix(start).removesuffix(".bsdiff") for path in found}
        return tuple((by_digest[name], path) for path, name in starts.items() if name in by_digest)

    def point(self, pointer: Pointer) -> None:
        signed: Targets = self._change.edit(self._role)
        file = self._change.folder.put(self.path(CURRENT), pointer.to_bytes())
        signed.targets[file.path] = file

    def forget(self, keep: int) -> None:
        """All but the last `keep` versions, what is offered and the one before it; and the deltas to what goes."""
        current = self.pointer()
        offered = {current.version, current.before[0] if current.before else ""} if current else set()
        gone = [version for version in self.versions()[: -keep or None] if version not in offered]
        paths = {
            path
            for version in gone
            for path in self.files
            if path == self.path(f"{version}.sepia") or path.startswith(self.path(f"{version}.from-"))
        }
        if paths:
            signed: Targets = self._change.edit(self._role)
            for path in paths:
                del signed.targets[path]

    def _delta(self, base: str, version: str, whole: TargetFile) -> TargetFile | None:
        older = self.require(base)
        name = self.path(f"{version}.from-{older.hashes['sha256'][:12]}.bsdiff")
        if name in self.files:
            return self.files[name]
        folder = self._change.folder
        with tempfile.TemporaryDirectory(prefix="sepia-publish-") as made:
            patch = Path(made) / "patch"
            if delta.make(folder.file_of(older), folder.file_of(whole), patch) > _WORTH * whole.length:
                return None
            return folder.put(name, patch)


def _checked(bundle: Path) -> Manifest:
    if not bundle.is_file():
        raise InputError(str(bundle), "is no file", hint="make one with: sepia ship bundle")
    with host_error():
        return archive.check(bundle)


def _before(current: Pointer | None, file: str) -> tuple[str, str] | None:
    """What boards outside of the roll-out take: the last version that went to all."""
    if current is None or (current.bundle == file):
        return current.before if current else None
    return (current.version, current.bundle) if current.rollout >= 1 else current.before


def _published(
    entry: Entry,
    manifest: Manifest,
    size: int,
    pointer: Pointer,
    deltas: dict[str, int],
    waits: tuple[Waiting, ...],
    *,
    new: bool = False,
) -> Published:
    return Published(
        manifest.model, entry.channel, manifest.target, manifest.version, size, pointer.rollout, deltas, new, waits
    )


def _refuse_no_role(change: Change, path: Path, role: str, model: str, channel: str) -> None:
    delegations: Any = change.see("targets").signed.delegations
    known = sorted(delegations.roles or ()) if delegations else []
    if role not in known:
        hint = f"sepia ship keys delegate {path} {model} {channel}"
        raise ConfigError(str(path), f"nobody may publish {model} on {channel}", accepted=", ".join(known), hint=hint)


def _refuse_share(rollout: float) -> None:
    if not 0 <= rollout <= 1:
        raise ConfigError(
            "--rollout", f"{rollout:g} is no share", accepted="0 to 1, like 0.1 for a tenth of the boards"
        )
