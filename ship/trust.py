"""Whom a board will trust: the repository's newest root, read and checked here before it is given to a board."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import InputError, TrustError

__all__ = ["Trust", "read_trust"]

_ROOT = re.compile(r"(\d+)\.root\.json")
_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Trust:
    """root: the bytes of root.json. where: the file. version: ≥ 1. expires: UTC."""

    root: bytes
    where: Path
    version: int
    expires: datetime

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.root).hexdigest()


def read_trust(path: Path) -> Trust:
    """path: a root.json, or a repository's folder, of which the newest root is taken.

    Raises InputError (no such file), TrustError: no root of The Update Framework, or one that its own keys have not
    signed as it demands (TUF specification 1.0, section 5.3).
    """
    where = _newest(path) if path.is_dir() else path
    try:
        data = where.read_bytes()
    except OSError as error:
        hint = "name the repository's folder, or its metadata/N.root.json"
        raise InputError(str(where), f"cannot be read ({error.strerror or error})", hint=hint) from error
    return _checked(where, data)


def _newest(folder: Path) -> Path:
    found = {int(name[1]): file for file in _files(folder) if (name := _ROOT.fullmatch(file.name))}
    if not found:
        hint = "sepia ship keys makes one"
        raise InputError(str(folder), "is no repository: it has no metadata/N.root.json", hint=hint)
    return found[max(found)]


def _files(folder: Path) -> list[Path]:
    metadata = folder / "metadata"
    return list((metadata if metadata.is_dir() else folder).iterdir())


def _checked(where: Path, data: bytes) -> Trust:
    from tuf.api.exceptions import RepositoryError
    from tuf.api.metadata import Metadata, Root  # type: ignore[attr-defined, unused-ignore] # what it re-exports

    try:
        if len(data) > _MOST_BYTES:
            raise TrustError(str(where), f"has {len(data)} bytes", accepted=f"{_MOST_BYTES} at most")
        metadata: Metadata[Root] = Metadata.from_bytes(data)
        if not isinstance(metadata.signed, Root):
            raise TrustError(str(where), "is metadata of another kind", accepted="a root.json")
        metadata.signed.verify_delegate(Root.type, metadata.signed_bytes, metadata.signatures)
    except RepositoryError as error:
        raise TrustError(str(where), f"is no root that can be trusted ({error})") from error
    expires = metadata.signed.expires.replace(tzinfo=UTC)
    return Trust(data, where, metadata.signed.version, expires)
