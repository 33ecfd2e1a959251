"""A bundle as one file: an uncompressed tar, bit for bit the same whenever and wherever it is made.

manifest.json first, then exactly its files in its order; regular files of mode 0644 (0755: the program), of nobody in
particular, of no time; two zero blocks, and nothing after them. So an archive is known from its manifest alone: every
header, every offset and the length are compared with what they must be before a byte is unpacked, and the archive can
be made again from the folder that it was unpacked to.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .durable import free_bytes, sync_folder, told
from .errors import Refused
from .manifest import MOST_BYTES, File, Manifest, read_manifest, write_manifest
from .paths import MANIFEST
from .ustar import BLOCK, END, header, padding, refuse_header

__all__ = ["LIMITS", "Limits", "check", "digest", "pack", "unpack", "verify"]

_PIECE = 1 << 18
Source = Callable[[str], BinaryIO] | Path
"""A folder, or what opens a file of this path."""


@dataclass(frozen=True)
class Limits:
    """files: in a bundle. bytes: of all files together. path: characters of a name."""

    files: int = 256
    bytes: int = 1 << 30
    path: int = 200


LIMITS = Limits()


def pack(manifest: Manifest, source: Source, into: Path, limits: Limits = LIMITS) -> str:
    """Write the archive to `into`, a new file, durably; its SHA-256 in hex.

    Raises Refused if a file is not what the manifest says, or the limits are passed; nothing is left then.
    """
    with told(into), into.open("xb") as file, _removed_on_failure(into.unlink):
        sha256 = hashlib.sha256()
        for piece in _archive(manifest, source, limits):
            sha256.update(piece)
            file.write(piece)
        _sync(file)
    return sha256.hexdigest()


def digest(folder: Path, limits: Limits = LIMITS) -> str:
    """SHA-256 of the archive that `folder` was unpacked from, without writing it. Raises Refused as `verify`."""
    sha256 = hashlib.sha256()
    for piece in _archive(verify(folder, limits), folder, limits):
        sha256.update(piece)
    return sha256.hexdigest()


def check(path: Path, limits: Limits = LIMITS) -> Manifest:
    """Read a whole archive and write nothing. Raises Refused with the entry and the reason."""
    with told(path), _opened(path) as file:
        manifest = _checked_headers(path, file, limits)
        for entry in manifest.files:
            _drain(_content(path, file, entry))
    return manifest


def unpack(path: Path, folder: Path, limits: Limits = LIMITS) -> Manifest:
    """Unpack into `folder`, which must not be there yet, and make it durable: files, folders, then its name.

    Raises Refused as `check`, of kind "disk" if there is no room; the folder is removed again then.
    """
    with told(path), _opened(path) as file:
        manifest = _checked_headers(path, file, limits)
        _refuse_full_disk(path, folder.parent, manifest)
        folder.mkdir(mode=0o755)
        with _removed_on_failure(lambda: shutil.rmtree(folder)):
            _write(folder / MANIFEST, iter([write_manifest(manifest)]), 0o644)
            for entry in manifest.files:
                target = folder / entry.path
                target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                _write(target, _content(path, file, entry), _mode(entry))
            _sync_folders(folder)
    return manifest


def verify(folder: Path, limits: Limits = LIMITS) -> Manifest:
    """Read an unpacked bundle again: each file's digest, and nothing beside the declared ones. Raises Refused."""
    with told(folder):
        found = dict(_walk(folder))
        if MANIFEST not in found:
            raise Refused(str(folder), f"has no {MANIFEST}", kind="archive")
        manifest = read_manifest(_read_manifest_file(folder))
        _refuse_limits(str(folder), manifest, limits)
        declared = {entry.path: entry for entry in manifest.files}
        for path in sorted(found.keys() ^ declared.keys() ^ {MANIFEST}):
            reason = "is not there" if path in declared else "is not in the manifest"
            raise Refused(str(folder), f"{path!r} {reason}", kind="digest")
        for path, entry in declared.items():
            if found[path].st_size != entry.bytes:
                what = f"{path!r} has {found[path].st_size} bytes, its manifest says {entry.bytes}"
                raise Refused(str(folder), what, kind="digest")
            if entry.role == "program" and not found[path].st_mode & stat.S_IXUSR:
                raise Refused(str(folder), f"the program {path!r} may not be executed", kind="digest")
            with _opened(folder / path) as file:
                _drain(_pieces(str(folder), file, entry))
    return manifest


def _archive(manifest: Manifest, source: Source, limits: Limits) -> Iterator[bytes]:
    data = write_manifest(manifest)
    _refuse_limits(manifest.version, manifest, limits)
    yield header(MANIFEST, len(data), 0o644) + data + bytes(padding(len(data)))
    for entry in manifest.files:
        yield header(entry.path, entry.bytes, _mode(entry))
        with _opened(source / entry.path) if isinstance(source, Path) else source(entry.path) as file:
            yield from _pieces(str(source) if isinstance(source, Path) else manifest.version, file, entry)
            if file.read(1):
                raise Refused(entry.path, f"is longer than the {entry.bytes} bytes of its manifest", kind="digest")
        yield bytes(padding(entry.bytes))
    yield END


def _checked_headers(path: Path, file: BinaryIO, limits: Limits) -> Manifest:
    """Everything but the contents of the declared files; the file is at the first of them afterwards."""
    where = str(path)
    length = os.fstat(file.fileno()).st_size
    most = limits.bytes + MOST_BYTES + (limits.files + 2) * 2 * BLOCK + len(END)
    if length > most:
        raise Refused(where, f"{length} bytes; at most {most} are accepted", kind="limit")
    manifest, start = _first_entry(where, file)
    _refuse_limits(where, manifest, limits)
    offset = start
    for entry in manifest.files:
        file.seek(offset)
        refuse_header(where, file.read(BLOCK), entry.path, entry.bytes, _mode(entry))
        offset += BLOCK + entry.bytes
        file.seek(offset)
        offset += padding(entry.bytes)
        if offset > length:
            raise Refused(where, f"is cut short in {entry.path!r}", kind="archive")
        _refuse_padding(where, file, entry.path, entry.bytes)
    _refuse_end(where, file, length - offset)
    file.seek(start)
    return manifest


def _first_entry(where: str, file: BinaryIO) -> tuple[Manifest, int]:
    block = file.read(BLOCK)
    digits = block[124:135]
    # Read here because the manifest is what says how long everything else is; an odd one fails the comparison below.
    size = int(digits, 8) if digits.isdigit() and not set(digits) & set(b"89") else 0
    refuse_header(where, block, MANIFEST, size, 0o644)
    if size > MOST_BYTES:
        raise Refused(where, f"{MANIFEST} has {size} bytes; at most {MOST_BYTES} are accepted", kind="limit")
    data = file.read(size)
    if len(data) < size:
        raise Refused(where, f"is cut short in {MANIFEST!r}", kind="archive")
    _refuse_padding(where, file, MANIFEST, size)
    return read_manifest(data), file.tell()


def _refuse_padding(where: str, file: BinaryIO, path: str, size: int) -> None:
    if file.read(padding(size)) != bytes(padding(size)):
        raise Refused(where, f"{path!r} is not followed by zeros", kind="archive")


def _refuse_end(where: str, file: BinaryIO, left: int) -> None:
    if left < len(END):
        raise Refused(where, "is cut short at its end", kind="archive")
    if left > len(END):
        reason = _next_entry(file)
        raise Refused(where, f"{left - len(END)} bytes more than its manifest says{reason}", kind="archive")
    if file.read(len(END)) != END:
        raise Refused(where, "does not end with zeros", kind="archive")


def _next_entry(file: BinaryIO) -> str:
    name = file.read(BLOCK)[:100].split(b"\0", 1)[0].decode("ascii", "backslashreplace")
    return f": {name!r} is not in it" if name else ""


def _refuse_limits(where: str, manifest: Manifest, limits: Limits) -> None:
    for what, found, most in (
        ("files", len(manifest.files), limits.files),
        ("bytes", sum(entry.bytes for entry in manifest.files), limits.bytes),
        ("characters in a name", max((len(entry.path) for entry in manifest.files), default=0), limits.path),
    ):
        if found > most:
            raise Refused(where, f"{found} {what}; at most {most} are accepted", kind="limit")


def _refuse_full_disk(path: Path, parent: Path, manifest: Manifest) -> None:
    needed = sum(entry.bytes for entry in manifest.files)
    free = free_bytes(parent)
    if free < needed:
        raise Refused(str(path), f"needs {needed} bytes, {free} are free", kind="disk", hint="free some space")


def _content(path: Path, file: BinaryIO, entry: File) -> Iterator[bytes]:
    file.seek(BLOCK, os.SEEK_CUR)
    yield from _pieces(str(path), file, entry)
    file.seek(padding(entry.bytes), os.SEEK_CUR)


def _pieces(where: str, file: BinaryIO, entry: File) -> Iterator[bytes]:
    """The next bytes of a file, as many as declared; refused at their end if the digest is not the declared one."""
    sha256, left = hashlib.sha256(), entry.bytes
    while left:
        piece = file.read(min(left, _PIECE))
        if not piece:
            raise Refused(where, f"{entry.path!r} is cut short", kind="digest")
        sha256.update(piece)
        left -= len(piece)
        yield piece
    if sha256.hexdigest() != entry.sha256:
        raise Refused(where, f"{entry.path!r} is not what its manifest says (SHA-256)", kind="digest")


def _drain(pieces: Iterator[bytes]) -> None:
    for _ in pieces:
        pass


def _mode(entry: File) -> int:
    return 0o755 if entry.role == "program" else 0o644


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Refused(str(path), "is no regular file", kind="archive")
        yield file


def _write(path: Path, pieces: Iterator[bytes], mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for piece in pieces:
            file.write(piece)
        os.fchmod(descriptor, mode)  # whatever the umask
        _sync(file)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folders(folder: Path) -> None:
    inside = [Path(place) for place, _, _ in os.walk(folder, topdown=False)]
    for place in [*inside, folder.parent]:
        sync_folder(place)


def _walk(folder: Path, inside: str = "") -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder / inside) as entries:
        for entry in sorted(entries, key=lambda found: found.name):
            path = f"{inside}/{entry.name}" if inside else entry.name
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                inner = list(_walk(folder, path))
                if not inner:
                    raise Refused(str(folder), f"{path!a} is not in the manifest", kind="digest")
                yield from inner
            elif stat.S_ISREG(status.st_mode):
                yield path, status
            else:
                raise Refused(str(folder), f"{path!a} is no regular file", kind="digest")


def _read_manifest_file(folder: Path) -> bytes:
    with _opened(folder / MANIFEST) as file:
        return file.read(MOST_BYTES + 1)


@contextmanager
def _removed_on_failure(remove: Callable[[], object]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(OSError):
            remove()
        raise
