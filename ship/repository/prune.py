"""What no board asks for any more, taken out of a repository."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..keys import KeyStore
from .change import Waiting, changing, now_utc
from .folder import Folder
from .publish import Entry

__all__ = ["KEEP", "Pruned", "prune"]

KEEP = 5
"""Versions a target, the offered one and the one before it always among them."""

_METADATA = re.compile(r"(\d+)\.(.+)\.json")


@dataclass(frozen=True)
class Pruned:
    """files, bytes: taken from the disk. waiting: missing signatures; nothing is taken until they are there."""

    files: int
    bytes: int
    waiting: tuple[Waiting, ...]


def prune(path: Path, keys: KeyStore, *, keep: int = KEEP, now: Callable[[], datetime] = now_utc) -> Pruned:
    """Forget all but `keep` versions of each target, then remove the files that nothing served refers to.

    Roots are kept for ever: a board that was off for a year follows them one by one (TUF 1.0, section 5.3).
    """
    with changing(path, keys, now) as change:
        targets = change.see("targets").signed
        for role in (targets.delegations.roles or ()) if targets.delegations else ():
            model, _, channel = role.rpartition(".")
            for target in Entry(change, role, model, channel, "").targets():
                Entry(change, role, model, channel, target).forget(keep)
        waits = change.commit() if change.touched else ()
    if waits:
        return Pruned(0, 0, waits)
    folder = Folder(path)
    with folder.locked():
        unused = list(_unused(folder))
        size = sum(file.stat().st_size for file in unused)
        for file in unused:
            file.unlink()
    return Pruned(len(unused), size, ())


def _unused(folder: Folder) -> Iterator[Path]:
    delegations = folder.load("targets").signed.delegations
    roles = list(delegations.roles or ()) if delegations else []
    used = {folder.file_of(file) for role in roles for file in folder.load(role).signed.targets.values()}
    yield from (file for file in folder.targets.rglob("*") if file.is_file() and file not in used)
    newest = {role: max(folder.versions(role), default=0) for role in ("targets", "snapshot", *roles)}
    for file in folder.metadata.glob("*.json"):
        found = _METADATA.fullmatch(file.name)
        # The last but one may be asked for by a board that read the timestamp before this.
        if found and found[2] != "root" and int(found[1]) < newest.get(found[2], 1 << 62) - 1:
            yield file
