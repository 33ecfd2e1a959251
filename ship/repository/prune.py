"""Old versions are offered no longer; files go once no board can still be after them.

A board may hold metadata as long as they hold (snapshot and timestamp, a week) and then fetch what they name. So what
was superseded stays for that time, and a target's file as long as any metadata file here names it. Roots stay for
ever: a board that was off for a year walks from its own to the newest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ..keys import KeyStore
from .channel import Channel, channel_of
from .edit import Edit, editing
from .lifetimes import signed_at
from .names import ROOT, SNAPSHOT, TARGETS, TIMESTAMP, bundle_path, file_name, stored_at
from .outcome import Outcome
from .store import Store, parsed, read

__all__ = ["Pruned", "prune"]

KEEP, GRACE_DAYS = 5, 14
"""Versions of a target; days, twice as long as a snapshot holds by default."""


@dataclass(frozen=True)
class Pruned:
    """versions: paths of bundles no longer offered. files, bytes: removed from the disk."""

    versions: tuple[str, ...]
    files: int
    bytes: int
    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        told = asdict(self)
        del told["outcome"]
        return told


def prune(
    folder: Path, keys: KeyStore, *, keep: int = KEEP, grace_days: int = GRACE_DAYS, at: datetime | None = None
) -> Pruned:
    """Keep of each target the newest `keep` versions, those that its pointer names, and all deltas to these.

    grace_days: how long superseded metadata, and the files that they alone name, stay on the disk. Channels whose keys
    are not here are left as they are.
    """
    if keep < 2:
        raise ConfigError("keep", f"is {keep}", accepted="2 or more: the version that is offered, and the one before")
    if grace_days < 0:
        raise ConfigError("grace", f"is {grace_days} days", accepted="0 or more")
    with editing(folder, keys, at) as edit:
        gone = [path for role in edit.store.roles() if "." in role for path in _forget_old(edit, role, keep)]
        outcome = edit.settle() if edit.edited else edit.unchanged()
        files = _superseded(edit.store, edit.at - timedelta(days=grace_days))
        for path in files:
            path.unlink()
        loose = _unnamed(edit.store)
        sizes = [path.stat().st_size for path in loose]
        for path in loose:
            path.unlink()
        return Pruned(tuple(gone), len(files) + len(loose), sum(sizes), outcome)


def _forget_old(edit: Edit, role: str, keep: int) -> list[str]:
    model, channel = role.rsplit(".", 1)
    looked_at = Channel(edit.store, model, channel, edit.newest(role))
    old = [path for target in looked_at.targets() for path in _old(looked_at, target, keep)]
    if not old or not _can_sign(edit, role):
        return []
    line = channel_of(edit, model, channel)
    for path in old:
        line.forget(path)
    return [path for path in old if path.endswith(".sepia")]


def _can_sign(edit: Edit, role: str) -> bool:
    held = edit.store.in_force(TARGETS).signed.get_delegated_role(role)
    return edit.keys.count(held.keyids) >= int(held.threshold)


def _old(line: Channel, target: str, keep: int) -> list[str]:
    pointer = line.pointer(target)
    named = {pointer.version, pointer.before[0] if pointer.before else ""} if pointer else set()
    versions = line.versions(target)
    kept = {one.version for one in versions[-keep:]} | named
    gone = {bundle_path(line.folder(target), one.version) for one in versions if one.version not in kept}
    wanted = {delta.path for version in kept for delta in line.deltas(target, version)}
    deltas = [
        path
        for path in line.signed.targets
        if path.startswith(line.folder(target)) and path.endswith(".bsdiff") and path not in wanted
    ]
    return [*sorted(gone), *deltas]


def _superseded(store: Store, before: datetime) -> list[Path]:
    """Metadata files whose next version was signed before this time; and those that nothing ever named."""
    found = []
    for role in (SNAPSHOT, *store.roles()):
        in_force = store.in_force(role)
        versions = sorted(_versions(store, role))
        later = {version: versions[number + 1 :][:1] for number, version in enumerate(versions)}
        for version in versions:
            path = store.metadata / file_name(role, version)
            if version > in_force.signed.version:
                found.append(path)
            elif version < in_force.signed.version and later[version]:
                following = parsed(path, read(store.metadata / file_name(role, later[version][0])))
                if signed_at(role, following.signed) < before:
                    found.append(path)
    return found


def _versions(store: Store, role: str) -> Iterable[int]:
    for path in store.metadata.glob(f"*.{role}.json"):
        number, _, rest = path.name.partition(".")
        if rest == f"{role}.json" and number.isdigit():
            yield int(number)


def _unnamed(store: Store) -> list[Path]:
    """Files under targets/ that no metadata here name, waiting ones included; what was interrupted in writing."""
    paths = [path for path in store.metadata.glob("[!.]*.json") if not path.name.endswith((f".{ROOT}.json",))]
    metadata = [parsed(path, read(path)) for path in paths if path.name != file_name(TIMESTAMP, 0)]
    named = {
        stored_at(file.path, file.hashes.values())
        for one in (*metadata, *store.waiting().values())
        for file in getattr(one.signed, "targets", {}).values()
    }
    files = [path for path in store.targets.rglob("*") if path.is_file()] if store.targets.is_dir() else []
    loose = [path for path in files if path.relative_to(store.targets).as_posix() not in named]
    return [*loose, *store.metadata.glob(".partial-*")]
