"""What is written so that a power cut leaves the old or the new, never half: file, then its name, then the folder.

Each of these makes itself durable before it returns (fsync of the file, fsync of the folder that names it).
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import Refused

__all__ = ["free_bytes", "make_folder", "move", "point", "remove", "sync_folder", "told", "write_file"]

TEMPORARY = ".new"
"""End of the names that are never the last word: whatever bears it may be removed."""


def write_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace `path` by a file of `data`. Raises Refused of kind "disk"; the old file is as it was then."""
    new = path.with_name(path.name + TEMPORARY)
    with told(path):
        try:
            with new.open("wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            new.replace(path)
        except BaseException:
            with suppress(OSError):
                new.unlink()
            raise
        sync_folder(path.parent)


def point(link: Path, to: str) -> None:
    """Make `link` a symlink to `to`, whatever file or symlink it was before, in one rename."""
    new = link.with_name(link.name + TEMPORARY)
    with told(link):
        with suppress(FileNotFoundError):
            new.unlink()
        new.symlink_to(to)
        new.replace(link)
        sync_folder(link.parent)


def move(path: Path, into: Path) -> None:
    """Give what is already durable another name on the same disk. A folder that is there must be empty."""
    with told(into):
        path.rename(into)
        sync_folder(into.parent)
        if path.parent != into.parent:
            sync_folder(path.parent)


def make_folder(folder: Path, mode: int = 0o755) -> None:
    """With its parents, each named durably; nothing if it is there."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with told(folder):
        folder.mkdir(mode=mode, exist_ok=True)
        sync_folder(folder.parent)


def remove(path: Path) -> None:
    """A file, a symlink or a whole folder; nothing if it is not there."""
    with told(path), suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()
        sync_folder(path.parent)


def free_bytes(folder: Path) -> int:
    """Of its disk, for this user."""
    with told(folder):
        room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What the disk refuses, as Refused of kind "disk"."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        what, hint = error.strerror or str(error), "free some space" if full else ""
        raise Refused(str(error.filename or path), what, kind="disk", hint=hint) from error
