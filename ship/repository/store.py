"""The folder: which metadata are in force, which wait for signatures, and how a file gets there.

In force is what a client would take: the last root of an unbroken row, the timestamp, the snapshot that it names, and
the roles that this one names. A file that nobody names yet is not; it may be written over.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ...errors import InputError, TrustError
from ...files import replacing
from .names import ROOT, SNAPSHOT, TIMESTAMP, file_name

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata, MetaFile

__all__ = ["SCHEMA", "SCHEMA_FIELD", "Store", "parsed", "read", "written"]

SCHEMA = 1
SCHEMA_FIELD = "x-sepia-repository"
"""In root.json: the form of pointers, names and our own fields."""

_MOST_BYTES = 16 << 20


class Store:
    """folder: the repository. Reads each file once; `place` forgets what it read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metadata, self.targets, self.waiting_folder = folder / "metadata", folder / "targets", folder / "waiting"
        self._read: dict[str, Metadata[Any] | None] = {}

    def refuse_no_repository(self) -> None:
        """Raises InputError, and TrustError for one that a newer Sepia made."""
        if not (self.metadata / file_name(ROOT, 1)).is_file():
            unfinished = (self.waiting_folder / "root.json").is_file()
            what = "has a first root that waits for signatures" if unfinished else "is no repository"
            hint = "sepia ship keys sign" if unfinished else "sepia ship keys init makes one"
            raise InputError(str(self.folder), what, hint=f"{hint} {self.folder}")
        schema = self.in_force(ROOT).signed.unrecognized_fields.get(SCHEMA_FIELD, SCHEMA)
        if schema != SCHEMA:
            raise TrustError(
                str(self.folder), f"is of form {schema}, made by a newer Sepia", accepted=str(SCHEMA), hint="update"
            )

    def in_force(self, role: str) -> Metadata[Any]:
        """Raises TrustError if there is none."""
        found = self.maybe(role)
        if found is None:
            raise TrustError(str(self.metadata), f"has no metadata of the role '{role}'")
        return found

    def maybe(self, role: str) -> Metadata[Any] | None:
        if role not in self._read:
            version = self._version(role)
            self._read[role] = None if version is None else self._load(self.metadata / file_name(role, version))
        return self._read[role]

    def roles(self) -> tuple[str, ...]:
        """That the snapshot names: targets first, then the channels by name."""
        snapshot = self.maybe(SNAPSHOT)
        names = [] if snapshot is None else [name.removesuffix(".json") for name in snapshot.signed.meta]
        return tuple(sorted(names, key=lambda name: ("." in name, name)))

    def waiting(self) -> dict[str, Metadata[Any]]:
        """Role → its next metadata, of which signatures are missing."""
        if not self.waiting_folder.is_dir():
            return {}
        paths = sorted(self.waiting_folder.glob("[!.]*.json"))
        return {path.name.removesuffix(".json"): self._load(path) for path in paths}

    def waiting_path(self, role: str) -> Path:
        return self.waiting_folder / f"{role}.json"

    def place(self, role: str, metadata: Metadata[Any]) -> None:
        """Write it where clients look; whether it is in force then, the files that name it decide."""
        _place(self.metadata / file_name(role, metadata.signed.version), written(metadata))
        self._read.clear()

    def put_waiting(self, role: str, metadata: Metadata[Any]) -> None:
        _place(self.waiting_path(role), written(metadata))

    def drop_waiting(self, role: str) -> None:
        self.waiting_path(role).unlink(missing_ok=True)

    @contextmanager
    def new_target(self, where: str) -> Iterator[Path | None]:
        """A path to write to, renamed to `where` under targets/ afterwards; None if that file is there already.

        where: has the digest of its bytes, so what is there already is the same.
        """
        path = self.targets / where
        if path.is_file():
            yield None
            return
        new = [place for place in (path.parent, *path.parent.parents) if not place.exists()]
        with replacing(path) as partial:
            yield partial
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
        _sync_folders([path.parent, *(place.parent for place in new)])

    def copy_target(self, source: Path, where: str) -> None:
        """By a hard link where the disk can: a bundle in two channels takes the room of one."""
        with self.new_target(where) as partial:
            if partial is not None:
                try:
                    os.link(source, partial)
                except OSError:
                    shutil.copyfile(source, partial)

    def _version(self, role: str) -> int | None:
        if role == ROOT:
            found = {name.split(".", 1)[0] for name in _names(self.metadata) if name.split(".", 1)[1:] == ["root.json"]}
            version = 0
            while str(version + 1) in found:
                version += 1
            return version or None
        if role == TIMESTAMP:
            return 0 if (self.metadata / file_name(TIMESTAMP, 0)).is_file() else None
        named_by = self.maybe(TIMESTAMP if role == SNAPSHOT else SNAPSHOT)
        if named_by is None:
            return None
        meta: MetaFile | None
        meta = named_by.signed.snapshot_meta if role == SNAPSHOT else named_by.signed.meta.get(f"{role}.json")
        return None if meta is None else meta.version

    def _load(self, path: Path) -> Metadata[Any]:
        return parsed(path, read(path))


def read(path: Path) -> bytes:
    """Raises InputError if it can't be read, or is larger than any metadata."""
    try:
        with path.open("rb") as file:
            data = _at_most(file)
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror or error})") from error
    if data is None:
        raise InputError(str(path), f"has more than {_MOST_BYTES >> 20} MiB: it is no metadata")
    return data


def parsed(path: Path, data: bytes) -> Metadata[Any]:
    """Raises TrustError for what is no metadata of TUF 1."""
    from tuf.api.metadata import Metadata
    from tuf.api.serialization import DeserializationError

    try:
        return Metadata.from_bytes(data)
    except DeserializationError as error:
        reason = error.__cause__ or error
        raise TrustError(str(path), f"is no metadata of The Update Framework 1.0 ({reason})") from error


def written(metadata: Metadata[Any]) -> bytes:
    """The bytes of its file, without spaces."""
    from tuf.api.serialization.json import JSONSerializer

    return metadata.to_bytes(JSONSerializer(compact=True))


def _at_most(file: BinaryIO) -> bytes | None:
    data = file.read(_MOST_BYTES + 1)
    return data if len(data) <= _MOST_BYTES else None


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def _place(path: Path, data: bytes) -> None:
    is_new = not path.parent.exists()
    with replacing(path) as partial, partial.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _sync_folders([path.parent, *([path.parent.parent] if is_new else [])])


def _sync_folders(folders: Iterable[Path]) -> None:
    """Make the names in them durable."""
    for folder in dict.fromkeys(folders):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
