"""The folder that a web server serves: `metadata/` and `targets/`, read, and written so that it is always a whole one.

`staged/` beside them holds a change that still waits for signatures, or that was interrupted while it was written.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, TargetFile

from ...errors import ConfigError, InputError, OutputError, TrustError
from ...files import digest, replacing

__all__ = ["Folder"]

_VERSIONED = re.compile(r"(\d+)\.(.+)\.json")


class Folder:
    """path: the repository's. Nothing is made until something is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metadata, self.targets, self.staged = path / "metadata", path / "targets", path / "staged"

    def exists(self) -> bool:
        return (self.metadata / "1.root.json").is_file()

    def require(self) -> None:
        """Raises ConfigError with the command that makes one."""
        if not self.exists():
            raise ConfigError(str(self.path), "is no repository", hint=f"sepia ship keys init {self.path}")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One publisher at a time. Raises OutputError while there is another, or if it can't be written."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise OutputError(str(self.path), f"cannot be written ({error.strerror})") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            hint = "run the same command again when they are done"
            raise OutputError(str(self.path), "somebody else is publishing", hint=hint) from error
        finally:
            os.close(lock)

    def versions(self, role: str) -> tuple[int, ...]:
        """Of a role's metadata that is there, rising."""
        found = (_VERSIONED.fullmatch(path.name) for path in self.metadata.glob("*.json"))
        return tuple(sorted(int(each[1]) for each in found if each and each[2] == role))

    def load(self, role: str) -> Metadata[Any]:
        """The newest of a role. Raises InputError, TrustError (it can't be read)."""
        if role == "timestamp":
            return read(self.metadata / "timestamp.json")
        known = self.versions(role)
        if not known:
            raise InputError(str(self.metadata), f"has no metadata of role '{role}'")
        return read(self.metadata / f"{known[-1]}.{role}.json")

    def file_of(self, target: TargetFile) -> Path:
        """Where a target lies: named by its SHA-256, as consistent snapshots have it (TUF 1.0, section 6.2)."""
        folder, _, name = target.path.rpartition("/")
        return self.targets / folder / f"{target.hashes['sha256']}.{name}"

    def put(self, path: str, source: Path | bytes) -> TargetFile:
        """Add a file, durably; nothing refers to it yet. path: as metadata names it."""
        data = source if isinstance(source, bytes) else None
        sha256 = hashlib.sha256(data).hexdigest() if data is not None else digest(source)  # type: ignore[arg-type]
        size = len(data) if data is not None else source.stat().st_size
        target = TargetFile(size, {"sha256": sha256}, path)
        into = self.file_of(target)
        if not (into.is_file() and digest(into) == sha256):
            with replacing(into) as partial:
                if data is not None:
                    partial.write_bytes(data)
                else:
                    shutil.copyfile(source, partial)  # type: ignore[arg-type]
                sync(partial)
            sync(into.parent)
        return target


def name_of(role: str, version: int) -> str:
    return "timestamp.json" if role == "timestamp" else f"{version}.{role}.json"


def read(path: Path) -> Metadata[Any]:
    """Raises InputError, TrustError."""
    try:
        return Metadata.from_bytes(path.read_bytes())
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror})") from error
    except RepositoryError as error:
        raise TrustError(str(path), f"is no metadata of The Update Framework ({error})") from error


def write(path: Path, metadata: Metadata[Any]) -> None:
    """Whole or not at all, and on the disk before it is told as done."""
    with replacing(path) as partial:
        partial.write_bytes(metadata.to_bytes())
        sync(partial)
    sync(path.parent)


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
