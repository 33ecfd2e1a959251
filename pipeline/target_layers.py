"""Layers and whole networks run on a board, and what came of it compared with this machine.

A board needs the runtime and `bench.py` for it: files and inputs are pushed, outputs fetched back, codes compared here.
"""

from __future__ import annotations

import json
import re
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..check.packed import INPUTS
from ..devices.crashes import crashed, refused
from ..devices.emulator.transport import CountingTransport, EmulatorTransport
from ..devices.fetch_back import fetch_back
from ..devices.provision import push
from ..devices.transport import Ran, Transport
from ..devices.transport.program import answered
from ..errors import RunError
from ..files import write_text

if TYPE_CHECKING:
    from ..check.packed import Packed
    from ..devices.emulator.counts import Counts

__all__ = ["BoardRuntime", "RanThere", "run_packed"]

COUNTED = 2
"""Inferences counted on an emulated core; the last is told."""

_CRASHES = 3
"""How many files may crash the runtime before it is given up."""

_PUSH_SECONDS = 900.0
_ON_THE_WAY_SECONDS = 30.0
_NOBODYS_FAULT = (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
"""Signals that end a run whatever file it was at."""
_UNDER_WAY = re.compile(r"^run \d+ of \d+: (.+)$", re.MULTILINE)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class BoardRuntime:
    """How one runtime is started on a board; paths are the board's.

    program: bench.py. python: the interpreter that has the runtime. environment: added to the board's own.
    """

    runtime: str
    program: str
    python: str = "python3"
    environment: Mapping[str, str] = field(default_factory=dict)
    threads: int = 1


@dataclass(frozen=True)
class RanThere:
    """What one packed file gave on a board. outputs: fetched back, here; None where `failure` says why there are none.

    counts: instructions of one inference of the first sample; None where nobody counts.
    """

    outputs: Path | None = None
    counts: Counts | None = None
    failure: str = ""


def run_packed(
    transport: Transport,
    runtime: BoardRuntime,
    packed: Mapping[str, Packed],
    folder: str,
    destination: Path,
    *,
    deadline: float | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, RanThere]:
    """Run each of `packed` (name, one that a folder can have → what was packed) in `runtime`, one after another.

    folder: for them, on the board; the caller's to remove. destination: for the outputs, here. deadline: of running
    them all, in s; ten minutes and ten seconds a file by default. A file that the runtime refuses or that crashes it
    keeps the reason, and the others go on. Raises RunError (the runtime cannot be started there, crashes time and
    again, or is not done by the deadline), BoardError, OutputError.
    """
    limit = 600.0 + 10.0 * len(packed) if deadline is None else deadline
    crashes: dict[str, RanThere] = {}
    while True:
        pending = {name: each for name, each in packed.items() if name not in crashes}
        if not pending:
            return crashes
        say(f"{transport.name}: {runtime.runtime}, {len(pending)} files")
        try:
            return crashes | _attempt(transport, runtime, pending, folder, destination, limit)
        except _Crashed as crash:
            if len(crashes) == _CRASHES:
                raise RunError(crash.where, f"{crash.what}, and others before it", hint=crash.hint) from crash
            # What ran before it runs again: a crash took their answers along.
            crashes[crash.name] = RanThere(failure=str(crash))


class _Crashed(RunError):
    """name: of the file that was under way."""

    def __init__(self, name: str, error: RunError) -> None:
        super().__init__(error.where, error.what, hint=error.hint)
        self.name = name


def _attempt(
    transport: Transport,
    runtime: BoardRuntime,
    packed: Mapping[str, Packed],
    folder: str,
    destination: Path,
    limit: float,
) -> dict[str, RanThere]:
    place = push(transport, _files(packed, destination / "list.json"), folder, deadline=_PUSH_SECONDS).folder
    with _counting(transport) as counting:
        ran = _run(counting or transport, runtime, place, limit, counted=counting is not None)
        counts = dict(counting.counts()) if counting is not None else {}
    failures = {run["name"]: run.get("error", "") for run in _runs(transport, runtime, ran, packed, limit)}
    names = [name for name, failure in failures.items() if not failure]
    fetch_back(transport, place, [_outputs(name) for name in names], destination, deadline=_PUSH_SECONDS)
    return {
        name: RanThere(failure=failures[name])
        if failures[name]
        else RanThere(destination / _outputs(name), counts.get(COUNTED * (at + 1) - 1))
        for at, name in enumerate(packed)
    }


def _files(packed: Mapping[str, Packed], listing: Path) -> dict[str, Path]:
    runs = [
        {"name": name, "model": f"{name}/{each.model}", "inputs": f"{name}/{INPUTS}", "outputs": _outputs(name)}
        for name, each in packed.items()
    ]
    write_text(listing, json.dumps({"runs": runs}))
    files = {f"{name}/{path.name}": path for name, each in packed.items() for path in each.files}
    return {**files, "list.json": listing}


def _outputs(name: str) -> str:
    return f"{name}/outputs.npz"


@contextmanager
def _counting(transport: Transport) -> Iterator[CountingTransport | None]:
    if not isinstance(transport, EmulatorTransport):
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="sepia-") as folder, transport.counting(Path(folder)) as counting:
        yield counting


def _run(transport: Transport, runtime: BoardRuntime, place: str, limit: float, *, counted: bool) -> Ran:
    words = [runtime.python, runtime.program, "--runtime", runtime.runtime, "--threads", str(runtime.threads)]
    words += ["--list", f"{place}/list.json", "--deadline", f"{limit:g}"]
    if counted:
        words += ["--counted", str(COUNTED)]
    # The program ends itself at its deadline, so that the board is not lost with it.
    late = limit + _ON_THE_WAY_SECONDS
    return transport.run(words, deadline=late, environment=runtime.environment, guarded=True)


def _runs(
    transport: Transport, runtime: BoardRuntime, ran: Ran, packed: Mapping[str, Packed], limit: float
) -> list[dict[str, str]]:
    """What `bench.py` says of each file. Raises RunError, or _Crashed where one file can be blamed."""
    where = f"{transport.name}: {runtime.runtime}"
    answer = answered(ran)
    if answer is not None and "error" in answer:
        raise refused(where, transport.name, str(answer["error"]))
    if answer is not None and ran.code == 0:
        return list(answer["runs"])
    error = crashed(where, transport.name, ran, seconds=limit)
    names = [name for name in _UNDER_WAY.findall(ran.err) if name in packed]
    if names and _signal(ran) not in _NOBODYS_FAULT:
        raise _Crashed(names[-1], error)
    raise error


def _signal(ran: Ran) -> int:
    return -ran.code if ran.code < 0 else ran.code - 128
