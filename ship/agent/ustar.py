"""A tar header as bundles have them: POSIX.1-1988 ("ustar") regular files, each field at its one value.

What `tarfile` would forgive (extended headers, links, numbers in base-256, odd padding) is refused here with a reason.
"""

from __future__ import annotations

import struct
import tarfile

from .errors import Refused

__all__ = ["BLOCK", "END", "header", "padding", "refuse_header"]

BLOCK = 512
END = bytes(2 * BLOCK)
"""What comes after the last file; nothing comes after it."""

_FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s6s2s32s32s8s8s155s12x")
# name, mode, uid, gid, size, mtime, checksum, type, link, magic, version, user, group, major, minor, prefix
_NUMBERS = (("mode", 100, 8), ("uid", 108, 8), ("gid", 116, 8), ("size", 124, 12), ("mtime", 136, 12))
_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a character device",
    tarfile.BLKTYPE: "a block device",
    tarfile.DIRTYPE: "a folder",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.CONTTYPE: "a contiguous file",
    tarfile.XHDTYPE: "an extended (pax) header",
    tarfile.XGLTYPE: "a global extended (pax) header",
    tarfile.SOLARIS_XHDTYPE: "an extended (pax) header",
    tarfile.GNUTYPE_LONGNAME: "a GNU long name",
    tarfile.GNUTYPE_LONGLINK: "a GNU long link",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


def header(path: str, size: int, mode: int) -> bytes:
    """512 bytes. path: ASCII. size: < 8^11. mode: permission bits.

    Raises Refused of kind "limit" if the format has no room: a last part over 100 characters, or a folder over 155.
    """
    prefix, name = _split(path)
    if size >= 8**11:
        raise Refused(path, f"{size} bytes, more than the archive's format can say", kind="limit")
    owner, device = b"0000000", b"0000000"
    fields = [name, b"%07o" % mode, owner, owner, b"%011o" % size, b"0" * 11, b" " * 8, tarfile.REGTYPE, b""]
    fields += [b"ustar", b"00", b"", b"", device, device, prefix]
    fields[6] = b"%06o\0 " % sum(_FIELDS.pack(*fields))
    return _FIELDS.pack(*fields)


def padding(size: int) -> int:
    """Zero bytes after a file of so many."""
    return -size % BLOCK


def refuse_header(where: str, block: bytes, path: str, size: int, mode: int) -> None:
    """Refuse a header that is not bit for bit the one of this file: Refused of kind "archive", saying what it is."""
    if block == header(path, size, mode):
        return
    if block == bytes(BLOCK) or len(block) < BLOCK:
        raise _refused(where, f"ends before {path!r}")
    wide = [name for name, start, _ in _NUMBERS if block[start] & 0x80]
    if wide:
        raise _refused(where, f"the header in the place of {path!r} has its {wide[0]} in base-256")
    try:
        found = tarfile.TarInfo.frombuf(block, "ascii", "backslashreplace")
    except tarfile.HeaderError as error:
        raise _refused(where, f"no header in the place of {path!r} ({error})") from error
    raise _refused(where, _difference(found, block, path, size, mode))


def _difference(found: tarfile.TarInfo, block: bytes, path: str, size: int, mode: int) -> str:
    entry = ascii(found.name[:80])
    if found.type != tarfile.REGTYPE:
        kind = _KINDS.get(found.type, f"of type {ascii(found.type)[1:]}")
        return f"entry {entry} is {kind}; regular files alone are accepted"
    if found.name != path:
        return f"entry {entry} is in the place of {path!r}"
    if found.size != size:
        return f"entry {entry} has {found.size} bytes, its manifest says {size}"
    if found.mode != mode:
        return f"entry {entry} has mode {found.mode:04o}, {mode:04o} is accepted"
    return f"entry {entry} has a header that says more than name, size and mode"


def _split(path: str) -> tuple[bytes, bytes]:
    name = path.encode("ascii")
    if len(name) <= 100:
        return b"", name
    cut = name.find(b"/", len(name) - 101)
    if cut < 0 or cut > 155:
        raise Refused(path, f"a name of {len(name)} characters that does not fit the archive's format", kind="limit")
    return name[:cut], name[cut + 1 :]


def _refused(where: str, what: str) -> Refused:
    return Refused(where, what, kind="archive")
