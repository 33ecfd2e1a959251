"""Archives that no honest publisher makes, for whoever has a key and means harm: each is what a bundle is, but for one.

Each names a file of the board that must not be there afterwards (ESCAPED), or tells of more than there is.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sepia.ship.agent.manifest import SCHEMA
from sepia.ship.agent.ustar import BLOCK, END, header

from support.small_bundles import SmallBundle

__all__ = ["ESCAPED", "ODD", "write_odd_archive"]

ESCAPED = "sepia-escaped"
"""Name of the file that an archive tries to leave outside its folder, or to reach."""

_BOMB = 10 << 30
Write = Callable[[Any, dict[str, Any], dict[str, bytes]], None]
"""Of the file to write, the manifest that is told, and the contents."""


def write_odd_archive(kind: str, bundle: SmallBundle, into: Path) -> Path:
    """`bundle` again, odd in the way of `kind`, a name in ODD."""
    with tarfile.open(bundle.path) as archive:
        contents = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    del contents["manifest.json"]
    told: dict[str, Any] = {"schema": SCHEMA, **asdict(bundle.manifest)}
    path = into / f"{kind.replace(' ', '-').replace('/', '').replace('.', '')}.sepia"
    with path.open("wb") as file:
        ODD[kind](file, told, contents)
    return path


def _named(name: str) -> Write:
    """One more file of this name, declared and there."""

    def write(file: Any, told: dict[str, Any], contents: dict[str, bytes]) -> None:
        data = b"escaped\n"
        entry = {"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "role": "other"}
        told["files"] = sorted([*told["files"], entry], key=lambda found: found["path"])
        _write(file, told, contents | {name: data})

    return write


def _special(kind: bytes, link: str = "") -> Write:
    """`payload.bin`, a declared file, as something that is no file."""

    def write(file: Any, told: dict[str, Any], contents: dict[str, bytes]) -> None:
        entry = tarfile.TarInfo("payload.bin")
        entry.type, entry.linkname, entry.devmajor, entry.devminor = kind, link, 1, 5
        _write(file, told, contents, {"payload.bin": entry.tobuf(tarfile.USTAR_FORMAT)})

    return write


def _undeclared(file: Any, told: dict[str, Any], contents: dict[str, bytes]) -> None:
    _write(file, told, contents | {"zz-undeclared": b"escaped\n"})


def _long_name(file: Any, told: dict[str, Any], contents: dict[str, bytes]) -> None:
    """A name in a header of its own (pax), as tars have it that want to say more than a header holds."""
    entry = tarfile.TarInfo("payload.bin")
    entry.size, entry.pax_headers = len(contents["payload.bin"]), {"path": f"../../{ESCAPED}"}
    _write(file, told, contents, {"payload.bin": entry.tobuf(tarfile.PAX_FORMAT)})


def _bomb(file: Any, told: dict[str, Any], contents: dict[str, bytes]) -> None:
    """Ten gigabytes that are told, in an archive of a few."""
    names = ("zeros/1.bin", "zeros/2.bin")  # a header can tell of less than 8
    entries = [{"path": name, "bytes": _BOMB // 2, "sha256": "0" * 64, "role": "other"} for name in names]
    told["files"] = sorted([*told["files"], *entries], key=lambda found: found["path"])
    _write(file, told, contents | dict.fromkeys(names, b""), {name: header(name, _BOMB // 2, 0o644) for name in names})


def _write(
    file: Any, told: dict[str, Any], contents: dict[str, bytes], instead: dict[str, bytes] | None = None
) -> None:
    """The archive of these; a name in `instead` has this header, and content only if it is a file's."""
    manifest = json.dumps(told, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    for name, data in {"manifest.json": manifest, **dict(sorted(contents.items()))}.items():
        odd = (instead or {}).get(name)
        file.write(odd or header(name, len(data), 0o755 if name == "network" else 0o644))
        if odd is None or odd[156:157] in b"0x":
            file.write(data + bytes(-len(data) % BLOCK))
    file.write(END)


ODD: dict[str, Write] = {
    "../ in a name": _named(f"../../../{ESCAPED}"),
    "an absolute name": _named(f"/tmp/{ESCAPED}"),
    "a line break in a name": _named("labels\n.txt"),
    "a terminal's commands in a name": _named("labels\x1b[2J.txt"),
    "a symbolic link": _special(tarfile.SYMTYPE, f"/tmp/{ESCAPED}"),
    "a hard link": _special(tarfile.LNKTYPE, "network"),
    "a device": _special(tarfile.CHRTYPE),
    "a pipe": _special(tarfile.FIFOTYPE),
    "a name in an extended header": _long_name,
    "a file that its manifest does not name": _undeclared,
    "a bomb of 10 GB in the manifest": _bomb,
}
"""What is odd → what writes it."""
