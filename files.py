"""Files on disk: written whole or not at all, and told apart by their digest."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import InputError, OutputError

__all__ = ["digest", "refusing", "replacing", "write_text"]

_NEXT_STEP = {
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder that you may write to",
    errno.ENOSPC: "free some space, then run the same command again",
    errno.EDQUOT: "free some space, then run the same command again",
}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`: renamed to `path` when the block ends, removed when it raises.

    The temporary keeps the ending of `path`, for libraries that choose a format by it, and starts with a dot. Files
    alone: a folder in the place of `path` is refused, never replaced. Missing parent folders are made. Raises
    OutputError with the reason of any OSError that the disk or the folder gave (inside the block too: libraries write
    there), and if the block wrote nothing.
    """
    partial = path.with_name(f".partial-{secrets.token_hex(6)}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_unwritable(path)
        yield partial
        _rename(partial, path)
    except OSError as error:
        # A library's own FileNotFoundError for some other file is not the disk's refusal of ours.
        if error.errno not in _NEXT_STEP and not _names(error, path, partial):
            raise
        raise _refused(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink()


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Raises OutputError about `path` for any OSError of the block."""
    try:
        yield
    except OSError as error:
        raise _refused(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 `text`, lines ended by a newline alone, through `replacing`."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes in hex, read a piece at a time. Raises InputError if it can't be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror or error})") from error


def _refuse_unwritable(path: Path) -> None:
    # Asked before the work and not after it; on a read-only mount `access` says so too.
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path.parent))


def _rename(partial: Path, path: Path) -> None:
    if not partial.exists():
        raise OutputError(str(path), "nothing was written")
    partial.replace(path)


def _names(error: OSError, path: Path, partial: Path) -> bool:
    ours = {str(path), str(partial), *map(str, path.parents)}
    return {str(error.filename), str(error.filename2)} & ours != set()


def _refused(path: Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    return OutputError(str(path), f"cannot be written ({reason})", hint=_NEXT_STEP.get(error.errno or 0, ""))
