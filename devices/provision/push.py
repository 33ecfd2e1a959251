"""Files into one folder of a board: all of them, each with the right digest, or none. What is there is not sent."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import BoardError, InputError
from ...files import digest
from ..transport.interface import Transport
from ..transport.program import run_program

__all__ = ["Pushed", "push"]

_RECEIVE = Path(__file__).resolve().parents[1] / "on_board" / "receive.py"
_MANIFEST = ".sepia.json"
_PIECE = 1 << 18
_ATTEMPTS = 3
_PATIENCE_S = 300.0
_SPARE_BYTES = 16 << 20

Progress = Callable[[int, int], None]
"""Bytes sent, and bytes to send."""


@dataclass(frozen=True)
class Pushed:
    """folder: absolute, on the board. bytes, files: of the whole folder. sent: bytes that had to be sent."""

    folder: str
    bytes: int
    files: int
    sent: int


def push(
    transport: Transport,
    files: Mapping[str, Path],
    folder: str,
    *,
    deadline: float = 900.0,
    verify: bool = False,
    progress: Progress = lambda sent, total: None,
) -> Pushed:
    """Make `folder` hold `files` and nothing else. Of several at once with the same files, each ends with it whole.

    files: name in the folder, with "/" between folders → file here. folder: absolute, or from "~". deadline: s, for
    each of asking and sending. verify: what is there is read and hashed, too. The folder is filled beside its place and
    renamed into it once everything is on the disk; what an interrupted push left is used, or taken away, by the next.
    Raises InputError (a file here can't be read, a name leads out of the folder) and BoardError: no room, read-only,
    link cut, a digest that is wrong there.
    """
    described = {_inside(name, path): _described(path) for name, path in files.items()}
    arguments: dict[str, Any] = {"folder": folder, "files": described, "verify": verify, "patience": _PATIENCE_S}
    total = sum(size for size, _, _ in described.values())
    for _ in range(_ATTEMPTS):
        found = run_program(transport, _RECEIVE, arguments, deadline=deadline)
        if found["whole"]:
            return Pushed(found["folder"], total, len(files), 0)
        here = set(found["here"])
        coming = [name for name in described if name not in here]
        size = sum(described[name][0] for name in coming)
        _check_room(transport, folder, size, len(coming), found)
        answer = run_program(
            transport,
            _RECEIVE,
            arguments | {"coming": coming},
            payload=_payload(files, described, coming, size, progress),
            deadline=deadline + _PATIENCE_S,
            guarded=True,
        )
        if not answer.get("again"):
            return Pushed(answer["folder"], total, len(files), size if answer["received"] else 0)
    raise BoardError(transport.name, f"files in {folder} come and go", hint="is somebody else changing them there?")


def _inside(name: str, path: Path) -> str:
    """`name`, if it is one inside a folder."""
    parts = PurePosixPath(name).parts
    if name != "/".join(parts) or not parts or parts[0] in ("/", _MANIFEST) or ".." in parts:
        raise InputError(str(path), f"'{name}' is no name inside a folder", accepted="like 'golden/inputs.npz'")
    return name


def _described(path: Path) -> tuple[int, str, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror or error})") from error
    return found.st_size, digest(path), 0o755 if found.st_mode & stat.S_IXUSR else 0o644


def _check_room(transport: Transport, folder: str, size: int, count: int, found: Mapping[str, Any]) -> None:
    if size + _SPARE_BYTES > found["free_bytes"]:
        free = found["free_bytes"] / 1e6
        what = f"{folder} needs {(size + _SPARE_BYTES) / 1e6:.0f} MB, and {free:.0f} MB are free"
        raise BoardError(transport.name, what, hint="free some space there, then run the same command again")
    if found["free_files"] is not None and count > found["free_files"]:
        raise BoardError(transport.name, f"{folder} needs {count} files, and its file system has no room for so many")


def _payload(
    files: Mapping[str, Path],
    described: Mapping[str, tuple[int, str, int]],
    coming: list[str],
    total: int,
    progress: Progress,
) -> Iterator[bytes]:
    sent = 0
    for name in coming:
        for piece in _pieces(files[name], described[name][0]):
            yield piece
            sent += len(piece)
            progress(sent, total)


def _pieces(path: Path, size: int) -> Iterator[bytes]:
    """Exactly `size` bytes: the next file's begin behind them."""
    try:
        with path.open("rb") as file:
            while size:
                piece = file.read(min(size, _PIECE))
                if not piece:
                    raise InputError(str(path), "became shorter while it was sent", hint="run the same command again")
                yield piece
                size -= len(piece)
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror or error})") from error
