"""Deltas to a version from those that boards may still run; kept where they pay."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ...files import digest
from ..delta import MOST_BYTES, make
from .channel import Channel, Version
from .names import delta_path, stored_at

__all__ = ["LARGEST_SHARE", "MOST_BASES", "add_deltas"]

LARGEST_SHARE = 0.75
"""Of the bundle: a larger delta is dropped, since applying it costs the board memory and time as well."""

MOST_BASES = 8


def add_deltas(line: Channel, target: str, version: str, count: int, known_in: Channel | None = None) -> None:
    """To `version` from the `count` versions published last. known_in: another channel that may have made them."""
    new = line.version(target, version)
    others = [one for one in line.versions(target) if one.version != version and not one.withdrawn]
    for base in others[max(0, len(others) - count) :] if count else ():
        if new is not None and base.sha256 != new.sha256:
            _add(line, target, base, new, known_in)


def _add(line: Channel, target: str, base: Version, new: Version, known_in: Channel | None) -> None:
    path = delta_path(line.folder(target), new.version, base.sha256)
    if path in line.signed.targets:
        return
    known = (
        None
        if known_in is None
        else known_in.signed.targets.get(delta_path(known_in.folder(target), new.version, base.sha256))
    )
    if known_in is not None and known is not None:
        line.store.copy_target(known_in.at(known), stored_at(path, [known.hashes["sha256"]]))
        line.put(path, known.length, known.hashes["sha256"], {"base": base.sha256})
        return
    first, second = line.at(line.file(base.path)), line.at(line.file(new.path))
    if first.is_file() and max(base.bytes, new.bytes) <= MOST_BYTES:
        _make(line, path, base, first, second)


def _make(line: Channel, path: str, base: Version, first: Path, second: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="sepia-delta-") as made:
        patch = Path(made) / "patch"
        size = make(first, second, patch)
        if size > LARGEST_SHARE * second.stat().st_size:
            return
        sha256 = digest(patch)
        with line.store.new_target(stored_at(path, [sha256])) as partial:
            if partial is not None:
                partial.write_bytes(patch.read_bytes())
        line.put(path, size, sha256, {"base": base.sha256})
