"""One TUF target fetched whole: gone on with where a link was cut, and verified over all of it at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, BinaryIO
from urllib.parse import quote

from tuf.api.exceptions import DownloadError, LengthOrHashMismatchError
from tuf.api.metadata import TargetFile

from .durable import make_folder, move, remove, told
from .errors import Refused
from .refusals import of_download
from .source import Source

__all__ = ["address", "download", "download_small", "sha256_of"]

TRIES = 4
"""Of one file in one run; each must have brought the file further."""


def download(source: Source, url: str, target: TargetFile, into: Path, partial: Path) -> None:
    """`into` is the whole file or not there. url: of it. partial: the folder for what has come of it, kept after a cut.

    Raises Refused of kind "changed", "length", "endless", "missing", "disk" and what `source` refuses.
    """
    _keep_only(partial, part := partial / _prefix(target))
    begun = _size(part) > 0
    try:
        _fetch(source, url, target, part)
        _verify(target, part)
    except Refused as refused:
        if refused.kind in ("changed", "endless", "disk", "missing"):
            remove(part)
        if not begun or refused.kind not in ("changed", "endless"):
            raise
        # What an earlier run has left was spoilt: once more, from the beginning.
        download(source, url, target, into, partial)
        return
    move(part, into)


def download_small(source: Source, url: str, target: TargetFile) -> bytes:
    """In memory. Raises Refused as `download`."""
    try:
        data = source.download_bytes(url, target.length)
    except DownloadError as error:
        raise of_download(target.path, error) from error
    _refuse_other(target, data)
    return data


def address(source: Source, target: TargetFile, *, hashed: bool = True) -> str:
    """hashed: with consistent snapshots the hash stands before the file's name (TUF specification 6.2)."""
    folder, slash, name = target.path.rpartition("/")
    path = f"{folder}{slash}{_prefix(target)}.{name}" if hashed else target.path
    # A "+" is quoted too: object stores take it for a space.
    return source.targets + quote(path, safe="/")


def sha256_of(target: TargetFile) -> str:
    """Raises Refused of kind "metadata" if the target is signed by other hashes alone."""
    found = target.hashes.get("sha256")
    if found is None:
        raise Refused(target.path, "is signed without a SHA-256", kind="metadata")
    return found


def _prefix(target: TargetFile) -> str:
    """The hash by which a file is named: any of the signed ones will do."""
    return target.hashes.get("sha256") or next(iter(target.hashes.values()))


def _fetch(source: Source, url: str, target: TargetFile, part: Path) -> None:
    for left in reversed(range(TRIES)):
        had = _size(part)
        if had >= target.length:
            return
        try:
            _append(source, url, target, part, had)
            return
        except Refused as refused:
            if refused.kind != "unreachable" or not left or _size(part) <= had:
                raise


def _append(source: Source, url: str, target: TargetFile, part: Path, had: int) -> None:
    try:
        start, pieces = source.open(url, had)
        with closing(pieces), _written(part, start) as file:
            for piece in pieces:
                start += len(piece)
                if start > target.length:
                    what = f"does not end after the {target.length} bytes that were signed for"
                    raise Refused(target.path, what, kind="endless")
                file.write(piece)
    except DownloadError as error:
        raise of_download(target.path, error) from error


@contextmanager
def _written(part: Path, start: int) -> Iterator[BinaryIO]:
    with told(part), part.open("ab") as file:
        file.truncate(start)
        yield file


def _verify(target: TargetFile, part: Path) -> None:
    with told(part), part.open("rb") as file:
        _refuse_other(target, file)


def _refuse_other(target: TargetFile, data: bytes | IO[bytes]) -> None:
    size = len(data) if isinstance(data, bytes) else os.fstat(data.fileno()).st_size
    if size != target.length:
        raise Refused(target.path, f"ends after {size} of {target.length} bytes", kind="length")
    try:
        target.verify_length_and_hashes(data)
    except LengthOrHashMismatchError as error:
        what = "is not the file that was signed for: its hash is another"
        raise Refused(target.path, what, kind="changed", hint="tell whoever runs the repository") from error


def _keep_only(folder: Path, part: Path) -> None:
    make_folder(folder)
    for other in folder.iterdir():
        if other != part:
            remove(other)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0
