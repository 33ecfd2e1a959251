"""Where everything lies in the agent's folder, and how the folder of a version is called.

    agent -> agents/…   config.json   trust/root.json   metadata/   lock
    inbox/<id>/         what was pushed
    models/<model>/     current -> versions/<name>, versions/, incoming/, state.json, lock

<name> is <version>-<first 12 hex digits of the bundle's SHA-256>. A folder gets its name in versions/ only once it is
whole and durable; whatever lies in incoming/, or ends with ".new", is nobody's and may be removed at any time.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from .errors import Refused

__all__ = ["Layout", "ModelFolder", "checked_name", "name_of", "split_name"]

VERSIONS = "versions"
_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9.+_-]{0,63})-([0-9a-f]{12})")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def name_of(version: str, sha256: str) -> str:
    """Of the folder of a version. sha256: of the bundle, in hex."""
    return f"{version}-{sha256[:12]}"


def split_name(name: str) -> tuple[str, str] | None:
    """Version and the digest's 12 digits; None if no folder of a version is called so."""
    found = _NAME.fullmatch(name)
    return (found[1], found[2]) if found else None


def checked_name(what: str, name: str) -> str:
    """A model's or an inbox's name, which is to be a part of a path. Raises Refused of kind "name"."""
    if not _PART.fullmatch(name):
        raise Refused(what, f"{name[:80]!a} is no name", kind="name", hint=f"accepted: {_PART.pattern}")
    return name


@dataclass(frozen=True)
class ModelFolder:
    """models/<model>."""

    path: Path

    @property
    def model(self) -> str:
        return self.path.name

    @property
    def current(self) -> Path:
        return self.path / "current"

    @property
    def versions(self) -> Path:
        return self.path / VERSIONS

    @property
    def incoming(self) -> Path:
        return self.path / "incoming"

    @property
    def state(self) -> Path:
        return self.path / "state.json"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    def version(self, name: str) -> Path:
        return self.versions / name

    def names(self) -> tuple[str, ...]:
        """Of the folders of versions that lie here, the oldest first (by when they got their last entry)."""
        try:
            with os.scandir(self.versions) as found:
                folders = [
                    (entry.stat(follow_symlinks=False).st_mtime_ns, entry.name)
                    for entry in found
                    if entry.is_dir(follow_symlinks=False) and split_name(entry.name)
                ]
        except FileNotFoundError:
            return ()
        return tuple(name for _, name in sorted(folders))


@dataclass(frozen=True)
class Layout:
    """root: the agent's folder, by default ~/.sepia/ship."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config.json"

    @property
    def trust(self) -> Path:
        return self.root / "trust" / "root.json"

    @property
    def metadata(self) -> Path:
        return self.root / "metadata"

    @property
    def lock(self) -> Path:
        """Held while the repository's metadata are read and what it offers is fetched."""
        return self.root / "lock"

    @property
    def inboxes(self) -> Path:
        return self.root / "inbox"

    def inbox(self, name: str) -> Path:
        return self.inboxes / checked_name("--inbox", name)

    def model(self, name: str) -> ModelFolder:
        return ModelFolder(self.root / "models" / checked_name("model", name))

    def models(self) -> tuple[str, ...]:
        """That have a folder here, followed or not."""
        try:
            with os.scandir(self.root / "models") as found:
                return tuple(sorted(entry.name for entry in found if entry.is_dir() and _PART.fullmatch(entry.name)))
        except FileNotFoundError:
            return ()
