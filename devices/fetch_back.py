"""Files from a board to this machine, each checked by its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import BoardError
from ..files import replacing
from .transport import Ran, Transport
from .transport.program import boot, ending, sent

__all__ = ["fetch_back"]

_AGAIN = "run the same command again"
_PROGRAM = Path(__file__).with_name("on_board") / "send.py"


def fetch_back(
    transport: Transport,
    folder: str,
    names: Sequence[str],
    destination: Path,
    *,
    deadline: float,
    python: str = "python3",
) -> tuple[Path, ...]:
    """Copy the files `names`, paths inside `folder` on the board, to the same paths inside `destination`.

    folder: "~" is the board's home folder. deadline: in s, for all of them. All are held in memory at once, and
    nothing is written unless all came whole. Raises BoardError (a file that can't be read there or came spoilt, a board
    that was lost) and OutputError.
    """
    if not names:
        return ()
    arguments = {"folder": folder, "names": list(names)}
    ran = transport.run(boot(python), stdin=sent(_PROGRAM, arguments), deadline=deadline)
    contents = _contents(transport.name, ran, names)
    paths = tuple(destination / name for name in names)
    for path, content in zip(paths, contents, strict=True):
        with replacing(path) as partial:
            partial.write_bytes(content)
    return paths


def _contents(board: str, ran: Ran, names: Sequence[str]) -> list[bytes]:
    body, _, last = ran.out.removesuffix(b"\n").rpartition(b"\n")
    files = _told(board, ran, last)
    if [file["name"] for file in files] != list(names):
        raise BoardError(board, "sent other files than it was asked for")
    # From the end: a login shell may have printed something of its own before.
    start = len(body) - sum(file["bytes"] for file in files)
    found = []
    for file in files:
        content = body[max(start, 0) : max(start + file["bytes"], 0)]
        if hashlib.sha256(content).hexdigest() != file["sha256"]:
            raise BoardError(board, f"'{file['name']}' came back spoilt: its digest is another one", hint=_AGAIN)
        found.append(content)
        start += file["bytes"]
    return found


def _told(board: str, ran: Ran, line: bytes) -> list[dict[str, Any]]:
    """What the board says that it sent."""
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if isinstance(answer, dict) and "error" in answer:
        raise BoardError(board, str(answer["error"]))
    if isinstance(answer, dict) and "files" in answer and ran.code == 0:
        return list(answer["files"])
    if ran.code != 0:
        what, hint = ending(ran)
        raise BoardError(board, f"{_PROGRAM.name} {what}", hint=hint or _AGAIN)
    raise BoardError(board, f"the files did not come back whole ({len(ran.out)} bytes and no end)", hint=_AGAIN)
