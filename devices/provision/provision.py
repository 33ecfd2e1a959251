"""Runtimes and the measuring program on a board: what is missing is pushed, what is there is left alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import BoardError
from ...files import digest
from ..facts import BoardFacts
from ..transport.interface import Transport
from ..transport.program import run_program
from ..wheels import runs_on
from .push import push
from .wheels_for import wheels_for

__all__ = ["FOLDER", "Installed", "Removed", "provision", "push_program", "remove"]

FOLDER = "~/.sepia"
"""All that Sepia puts on a board lies in it."""

_PROGRAM = Path(__file__).resolve().parents[2] / "runtime" / "bench.py"
_REMOVE = Path(__file__).resolve().parents[1] / "on_board" / "remove.py"

Progress = Callable[[str, int, int], None]
"""What, bytes sent, bytes to send."""


@dataclass(frozen=True)
class Installed:
    """folder: absolute, on the board. environment: what a process there needs to find the runtime.

    bytes, files: of the folder. pushed: whether anything had to be sent.
    """

    runtime: str
    version: str
    folder: str
    environment: Mapping[str, str]
    bytes: int
    files: int
    pushed: bool


@dataclass(frozen=True)
class Removed:
    """What was there."""

    bytes: int
    files: int


def provision(
    transport: Transport,
    facts: BoardFacts,
    runtimes: Sequence[str],
    *,
    verify: bool = False,
    cache: Path | None = None,
    progress: Progress = lambda what, sent, total: None,
) -> dict[str, Installed]:
    """Each of `runtimes` in a folder of its own on the board, named by version, Python, architecture and contents.

    verify: what is there is read and hashed. cache: where fetched wheels are kept here; by default the user's. Raises
    BoardError before anything is fetched if one of them has no wheel for the board, and as `wheels_for` and `push`.
    """
    for runtime in runtimes:
        verdict = runs_on(runtime, facts)
        if not verdict.ok:
            raise BoardError(transport.name, verdict.reason, accepted=verdict.nearest)
    found = {}
    for runtime in dict.fromkeys(runtimes):
        progress(f"fetch {runtime}", 0, 0)
        unpacked = wheels_for(runtime, facts, cache)
        what = f"push {runtime} {unpacked.version}"
        pushed = push(
            transport,
            unpacked.files,
            f"{FOLDER}/runtimes/{unpacked.name}",
            verify=verify,
            progress=lambda sent, total, what=what: progress(what, sent, total),  # type: ignore[misc]
        )
        environment = unpacked.environment(pushed.folder)
        found[runtime] = Installed(
            runtime, unpacked.version, pushed.folder, environment, pushed.bytes, pushed.files, pushed.sent > 0
        )
    return found


def push_program(transport: Transport) -> str:
    """`bench.py`, absolute, on the board: nothing else of Sepia is needed there to measure."""
    folder = f"{FOLDER}/bench/{digest(_PROGRAM)[:12]}"
    return f"{push(transport, {'bench.py': _PROGRAM}, folder).folder}/bench.py"


def remove(transport: Transport, *names: str) -> Removed:
    """Take folders inside FOLDER away, by default all of it. Raises BoardError."""
    said = run_program(transport, _REMOVE, {"names": list(names or ("",))}, deadline=300)
    return Removed(said["bytes"], said["files"])
