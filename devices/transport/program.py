"""A program for the board's Python, sent through standard input and run from memory: nothing of it is stored there.

On the way to the board:    <length of the program>\\n <program> <one line of JSON: its arguments>\\n <payload>
On the way back:            one line of JSON; {"error": what, "hint": what next} where it failed
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import BoardError
from .interface import Ran, Transport

__all__ = ["answered", "boot", "ending", "run_program", "sent"]

_TOO_OLD = "its Python is too old"
# One line without backslashes or exclamation marks: every login shell, fish and csh too, hands it on as it is. The
# reader holds one byte, so that what comes after the program is left to the program, however that reads it. A program
# that was cut short is not run: half of one may well be valid.
_BOOT = (
    "import io,sys;"
    f"sys.version_info<(3,9)and sys.exit('{_TOO_OLD}: '+sys.version.split()[0]);"
    "s=io.BufferedReader(io.FileIO(0,closefd=False),1);n=int(s.readline()or 0);b=s.read(n);"
    "len(b)<n and sys.exit('the program was cut short on its way');"
    "exec(compile(b,'from-sepia','exec'),dict(__name__='__main__'))"
)

_HINTS = {
    signal.SIGILL: "what runs there is built for another processor: look at 'uname -m' and where it came from",
    signal.SIGKILL: "was there too little memory? End other programs there, then run the same command again",
}


def boot(python: str = "python3") -> list[str]:
    """The command that reads a program from standard input and runs it. Nothing of the user's own Python is loaded."""
    return [python, "-I", "-c", _BOOT]


def sent(program: Path, arguments: Mapping[str, Any], payload: Iterable[bytes] = ()) -> Iterator[bytes]:
    """What `boot` reads: the program, its arguments, the payload."""
    text = program.read_bytes()
    yield b"%d\n" % len(text) + text + json.dumps(dict(arguments)).encode() + b"\n"
    yield from payload


def run_program(
    transport: Transport,
    program: Path,
    arguments: Mapping[str, Any],
    *,
    payload: Iterable[bytes] = (),
    deadline: float,
    python: str = "python3",
    guarded: bool = False,
) -> dict[str, Any]:
    """Run `program`, a file of `devices/on_board/`, on the board, and give back the JSON object that it printed.

    arguments: what JSON can carry; payload: bytes after them. deadline: in s, everything included. python: the board's
    interpreter. guarded: it ends with the connection, even where the link was cut and the board has not noticed;
    without that a program that reads waits for its payload as long as the board's TCP does, hours. Raises BoardError
    with the program's own words, or with how it ended.
    """
    ran = transport.run(boot(python), stdin=sent(program, arguments, payload), deadline=deadline, guarded=guarded)
    answer = answered(ran)
    if answer is not None and "error" in answer:
        raise BoardError(transport.name, str(answer["error"]), hint=str(answer.get("hint", "")))
    if answer is None or ran.code != 0:
        what, hint = _without_answer(ran, program.name, python)
        raise BoardError(transport.name, what, hint=hint)
    return answer


def ending(ran: Ran) -> tuple[str, str]:
    """How a command that failed ended ("was ended by SIGILL", "ended with code 1: <its last line>"), and what next.

    A shell on the way tells signal n as 128 + n, an exit code that few programs use themselves.
    """
    lines = [line.strip() for line in ran.err.splitlines() if line.strip()]
    last = f": {lines[-1]}" if lines else ""
    number = -ran.code if ran.code < 0 else ran.code - 128
    try:
        ended_by = signal.Signals(number)
    except ValueError:
        return f"ended with code {ran.code}{last}", ""
    return f"was ended by {ended_by.name}{last}", _HINTS.get(ended_by, "")


def answered(ran: Ran) -> dict[str, Any] | None:
    """The last line that is a JSON object: a login shell may have printed something of its own before."""
    for line in reversed(ran.out.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return None


def _without_answer(ran: Ran, program: str, python: str) -> tuple[str, str]:
    if ran.code == 127:
        return f"has no Python: '{python}' was not found", "install it there: sudo apt install python3-minimal"
    if _TOO_OLD in ran.err:
        version = ran.err.partition(f"{_TOO_OLD}: ")[2].split()[0]
        return f"{_TOO_OLD}: {version}", "Python 3.9 or newer: flash a Raspberry Pi OS of 2021 or later"
    if ran.code == 0:
        return f"{program} ended without an answer", "does its login shell hand standard output on?"
    what, hint = ending(ran)
    return f"{program} {what}", hint
