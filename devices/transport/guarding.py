"""The near side of `on_board/guard.py`: a command that ends with the connection, and how it ended exactly."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from .children import Beat, Ended
from .program import sent

__all__ = ["GUARD", "SILENCE_SECONDS", "beat", "guarded_input", "told"]

GUARD = Path(__file__).resolve().parents[1] / "on_board" / "guard.py"

_LENGTH = struct.Struct(">I")
_BEAT_LENGTH = 0xFFFFFFFF
_FRAME = 1 << 16
_ENDED = b"\x1esepia-guard-ended:"

SILENCE_SECONDS = 30.0
"""A guard that has heard nothing for so long ends its command: the link was cut, and its system may not know."""


def guarded_input(
    command: Sequence[str],
    environment: Mapping[str, str] | None,
    stdin: Iterable[bytes],
    *,
    silence: float = SILENCE_SECONDS,
) -> Iterator[bytes]:
    """What the guard's `boot` reads: the guard, what to run, `stdin` in frames, and a frame of nothing at its end."""
    arguments = {"command": list(command), "environment": dict(environment or {}), "silence": silence}
    return sent(GUARD, arguments, _frames(stdin))


def beat(silence: float = SILENCE_SECONDS) -> Beat:
    """What keeps a guard of that silence content."""
    return Beat(_LENGTH.pack(_BEAT_LENGTH), seconds=silence / 6)


def told(ended: Ended) -> Ended | None:
    """How the guarded command ended, with the guard's own words taken out of `err`; None if the guard did not say."""
    said, mark, rest = ended.err.rpartition(_ENDED)
    if not mark:
        return None
    number, _, after = rest.partition(b"\n")
    return replace(ended, code=int(number), err=said + after)


def _frames(stdin: Iterable[bytes]) -> Iterator[bytes]:
    for piece in stdin:
        for start in range(0, len(piece), _FRAME):
            part = piece[start : start + _FRAME]
            yield _LENGTH.pack(len(part)) + part
    yield _LENGTH.pack(0)
