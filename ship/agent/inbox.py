"""A repository's files as they were pushed to the board: read inside one folder, through no symlink."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import closing
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from tuf.api.exceptions import DownloadHTTPError

from .errors import Refused
from .source import Pieces, Source

__all__ = ["Inbox"]

_PIECE = 1 << 16
_BASE = "inbox:"
"""What tuf takes for an address."""
_NO_LINK = (errno.ELOOP, errno.ENOTDIR, errno.EMLINK)


class Inbox(Source):
    """folder: with metadata/ and targets/."""

    def __init__(self, folder: Path) -> None:
        super().__init__(_BASE, str(folder))
        self.folder = folder

    def open(self, url: str, start: int = 0) -> tuple[int, Pieces]:
        self.requests += 1
        path = unquote(url.removeprefix(f"{_BASE}/"))
        return start, self._pieces(self._file(path), start)

    def _pieces(self, file: BinaryIO, start: int) -> Pieces:
        with closing(file):
            file.seek(start)
            for piece in iter(lambda: file.read(_PIECE), b""):
                self.bytes += len(piece)
                yield piece

    def _file(self, path: str) -> BinaryIO:
        parts = path.split("/")
        if not all(parts) or any(part in (".", "..") or "\0" in part for part in parts):
            raise Refused(self.where, f"{path[:80]!a} leads outside the folder", kind="not allowed")
        try:
            return os.fdopen(self._open(parts), "rb")
        except FileNotFoundError as error:
            raise DownloadHTTPError(f"{path} was not pushed", 404) from error
        except OSError as error:
            where = str(self.folder / path)
            if error.errno in _NO_LINK:
                raise Refused(where, "is a symlink, or lies behind one", kind="not allowed") from error
            raise Refused(where, error.strerror or str(error), kind="disk") from error

    def _open(self, parts: list[str]) -> int:
        """A descriptor of a regular file; each folder on the way is opened by itself, and none of them is a symlink."""
        at = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        for part in parts[:-1]:
            at = _within(at, part, os.O_DIRECTORY)
        file = _within(at, parts[-1], os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise Refused(str(self.folder / "/".join(parts)), "is no regular file", kind="not allowed")
        return file


def _within(folder: int, name: str, flags: int) -> int:
    """Closes `folder`."""
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=folder)
    finally:
        os.close(folder)
