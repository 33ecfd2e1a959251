"""How a measuring run failed on a board: one line that says what happened there and what to do next."""

from __future__ import annotations

import re
import signal

from ..errors import RunError
from .transport.interface import Ran

__all__ = ["crashed", "refused"]

_LESS_MEMORY = "end other programs there, use the int8 file or fewer threads, then run the same command again"
_AGAIN = "put it there anew: sepia devices provision {board} --verify"
_AGAIN_HERE = "install that runtime anew"
_OTHER = "run it again; if it happens again, this runtime cannot run this file there: try another one"

_SIGNALS = {
    signal.SIGILL: (
        "met an instruction that this processor does not have (SIGILL): its build is for a newer core",
        "see what can run there: sepia devices show {board}",
    ),
    signal.SIGKILL: ("was killed (SIGKILL), most likely for want of memory", _LESS_MEMORY),
    signal.SIGALRM: ("was not done after {seconds:g} s", "give it more time, or fewer seconds to measure over"),
    signal.SIGTERM: ("was told to end (SIGTERM), as in a shutdown", "run the same command again once it is up"),
}

_REASONS = (
    (r"No module named|cannot open shared object file|can't open file .*bench\.py", _AGAIN),
    (r"invalid ELF header|wrong ELF class|cannot open shared object.*architecture|Exec format error", _AGAIN),
    (
        r"version `(?:GLIBC|GLIBCXX|CXXABI)_[\d.]+' not found",
        "its system is too old for this runtime: flash a newer one",
    ),
    (r"cannot allocate memory in static TLS", _OTHER),
    (r"MemoryError|bad_alloc|[Cc]annot allocate memory|[Ff]ailed to allocate|[Nn]ot enough memory", _LESS_MEMORY),
    (r"Input/output error|Bad message|Structure needs cleaning", "its card may be failing: look at dmesg there"),
    (r"\.npz|[Nn]o such file", "the next run sends the files again: run the same command again"),
)
"""Words of a runtime, of Python or of the loader → what next."""


def refused(where: str, board: str | None, reason: str) -> RunError:
    """reason: what the program said of itself. board: None for this machine."""
    hints = (hint for words, hint in _REASONS if re.search(words, reason))
    return RunError(where, reason, hint=_for(board, next(hints, "")))


def crashed(where: str, board: str | None, ran: Ran, *, seconds: float) -> RunError:
    """Of a run that gave no result. board: None for this machine. seconds: its deadline."""
    last = _last_words(ran.err)
    if ran.code == 127:
        return RunError(where, f"could not be started{last}", hint=_for(board, _AGAIN))
    # A shell on the way tells signal n as 128 + n.
    number = -ran.code if ran.code < 0 else ran.code - 128
    try:
        by = signal.Signals(number)
    except ValueError:
        found = refused(where, board, f"bench.py ended with code {ran.code} and no result{last}")
        return RunError(where, found.what, hint=found.hint)
    what, hint = _SIGNALS.get(by, (f"crashed ({by.name})", _OTHER))
    return RunError(where, what.format(seconds=seconds) + last, hint=_for(board, hint))


def _for(board: str | None, hint: str) -> str:
    """Boards have a command for it, this machine has not."""
    if board is None and "{board}" in hint:
        return _AGAIN_HERE
    return hint.format(board=board)


def _last_words(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("INFO: ")]
    return f": {lines[-1]}" if lines else ""
