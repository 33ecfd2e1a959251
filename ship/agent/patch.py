"""A delta applied: the BSDIFF40 format (Colin Percival's bsdiff 4), with the standard library alone.

A header of 32 bytes (magic, bytes of the first two streams compressed, bytes of the result), then three bz2 streams:
triples (add, copy, seek) of 64-bit numbers, sign and magnitude; bytes to add to the base's; bytes to copy.
Memory does not grow with the files: three decompressors (4 MB each at most) and pieces of 64 KiB.
"""

from __future__ import annotations

import bz2
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from .durable import told
from .errors import Refused

__all__ = ["apply"]

_MAGIC = b"BSDIFF40"
_HEADER_BYTES = 32
_PIECE = 1 << 16
_LOW, _HIGH = int.from_bytes(b"\x7f" * _PIECE, "little"), int.from_bytes(b"\x80" * _PIECE, "little")
_SIGN = 1 << 63


def apply(base: Path, patch: Path, into: Path, *, most_bytes: int) -> None:
    """Write what `patch` makes of `base` to `into`, a new file, durably.

    most_bytes: of the result. Raises Refused of kind "patch" where the patch is not whole or not for this base, of
    "limit" if it would make more, of "disk" if there is no room; nothing is left then. Whether the base was the right
    one, the result's digest alone can tell: the caller checks that.
    """
    with told(into), base.open("rb") as old, patch.open("rb") as file, into.open("xb") as new:
        try:
            _Patch(patch, file, most_bytes).apply(old, new)
            new.flush()
            os.fsync(new.fileno())
        except BaseException:
            with suppress(OSError):
                into.unlink()
            raise


class _Patch:
    def __init__(self, path: Path, file: BinaryIO, most_bytes: int) -> None:
        self._where = str(path)
        header = file.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
            raise self._refused("is no BSDIFF40 file")
        steps, added, self._bytes = (_number(word) for word in struct.unpack("<3Q", header[8:]))
        copied = os.fstat(file.fileno()).st_size - _HEADER_BYTES - steps - added
        if min(steps, added, copied, self._bytes) < 0:
            raise self._refused("is cut short")
        if self._bytes > most_bytes:
            raise Refused(self._where, f"makes {self._bytes} bytes; at most {most_bytes} are accepted", kind="limit")
        ends = (_HEADER_BYTES + steps, _HEADER_BYTES + steps + added, _HEADER_BYTES + steps + added + copied)
        self._steps = _Stream(self._where, file, _HEADER_BYTES, ends[0])
        self._added = _Stream(self._where, file, ends[0], ends[1])
        self._copied = _Stream(self._where, file, ends[1], ends[2])

    def apply(self, old: BinaryIO, new: BinaryIO) -> None:
        position, left, length = 0, self._bytes, os.fstat(old.fileno()).st_size
        for add, copy, seek in self._triples():
            if add < 0 or copy < 0 or add + copy > left:
                raise self._refused("makes more bytes than it says")
            if add and not 0 <= position <= length - add:
                raise self._refused("is not for this base")
            left -= add + copy
            old.seek(position if add else 0)
            for size in _sizes(add):
                new.write(_sum(old.read(size), self._added.read(size)))
            for size in _sizes(copy):
                new.write(self._copied.read(size))
            position += add + seek
        for stream in (self._steps, self._added, self._copied):
            stream.refuse_more()

    def _triples(self) -> Iterator[tuple[int, int, int]]:
        """Until the result is whole. Two in a row that write nothing are refused: there could be no end of them."""
        left, idle = self._bytes, False
        while left:
            add, copy, seek = (_number(word) for word in struct.unpack("<3Q", self._steps.read(24)))
            if idle and add == copy == 0:
                raise self._refused("goes on without writing anything")
            idle = add == copy == 0
            left -= add + copy
            yield add, copy, seek

    def _refused(self, what: str) -> Refused:
        return Refused(self._where, what, kind="patch")


class _Stream:
    """One bz2 stream between two places of a file, read in turn with the others."""

    def __init__(self, where: str, file: BinaryIO, start: int, end: int) -> None:
        self._where, self._file, self._at, self._end = where, file, start, end
        self._bz2 = bz2.BZ2Decompressor()
        self._ready, self._read = b"", 0

    def read(self, count: int) -> bytes:
        """Exactly so many bytes, at most 64 KiB."""
        end = self._read + count
        if end <= len(self._ready):
            piece, self._read = self._ready[self._read : end], end
            return piece
        while len(self._ready) - self._read < count:
            more = self._more()
            if not more:
                raise self._refused("is cut short")
            self._ready, self._read = self._ready[self._read :] + more, 0
        return self.read(count)

    def refuse_more(self) -> None:
        """Nothing is left: neither in the stream nor behind it."""
        if self._read < len(self._ready) or self._more() or not self._bz2.eof:
            raise self._refused("has more than its result needs")
        if self._bz2.unused_data or self._at < self._end:
            raise self._refused("has bytes that belong to nothing")

    def _more(self) -> bytes:
        """Up to 64 KiB; empty at the end of the stream."""
        try:
            while not self._bz2.eof:
                taken = self._taken() if self._bz2.needs_input else b""
                if self._bz2.needs_input and not taken:
                    raise self._refused("is cut short")
                piece = self._bz2.decompress(taken, _PIECE)
                if piece:
                    return piece
        except (OSError, ValueError, EOFError) as error:
            raise self._refused("is not whole") from error
        return b""

    def _taken(self) -> bytes:
        self._file.seek(self._at)
        taken = self._file.read(min(_PIECE, self._end - self._at))
        self._at += len(taken)
        return taken

    def _refused(self, what: str) -> Refused:
        return Refused(self._where, what, kind="patch")


def _sum(old: bytes, added: bytes) -> bytes:
    """Byte by byte, modulo 256, all in one addition: the high bits are kept out of it, so that nothing is carried."""
    if not added.strip(b"\0"):
        return old
    first, second = int.from_bytes(old, "little"), int.from_bytes(added, "little")
    low = (first & _LOW) + (second & _LOW)
    return (low ^ ((first ^ second) & _HIGH)).to_bytes(len(old), "little")


def _number(word: int) -> int:
    return _SIGN - word if word >= _SIGN else word


def _sizes(count: int) -> Iterator[int]:
    for start in range(0, count, _PIECE):
        yield min(_PIECE, count - start)
