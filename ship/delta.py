"""Deltas between two bundles: BSDIFF40, made with bsdiff4 here, applied with the standard library on the board."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..errors import InputError, OutputError
from ..files import digest, replacing
from .agent.patch import apply
from .host_error import host_error

__all__ = ["MOST_BYTES", "make"]

MOST_BYTES = 64 << 20
"""Of a bundle that a delta is made of: sorting its suffixes takes 18 times as much memory."""


def make(base: Path, new: Path, into: Path) -> int:
    """Write the patch that makes `new` of `base` to `into`; its size in bytes.

    It is applied once with the board's own code, and must give `new` bit for bit. Raises InputError for a file that
    can't be read or is too large, OutputError if `into` can't be written.
    """
    import bsdiff4

    before, after = _read(base), _read(new)
    with replacing(into) as partial:
        partial.write_bytes(bsdiff4.diff(before, after))
        _refuse_wrong(base, new, partial)
        return partial.stat().st_size


def _refuse_wrong(base: Path, new: Path, patch: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="sepia-delta-") as made, host_error():
        result = Path(made) / "result"
        apply(base, patch, result, most_bytes=new.stat().st_size)
        if digest(result) != digest(new):
            raise OutputError(str(patch), "the patch does not make what it was made of")


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(str(path), f"is too large for a delta (over {MOST_BYTES >> 20} MiB)")
        return path.read_bytes()
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror or error})") from error
