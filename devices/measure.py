"""One file on one runtime of a board, measured there by `bench.py`; what was disturbed is measured again, and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from .crashes import crashed, refused
from .transport.interface import Ran, Transport
from .transport.local import LocalTransport
from .transport.program import answered

__all__ = ["REPEATS", "Job", "Measured", "measure"]

REPEATS = 2
"""How often a disturbed run is repeated, at most."""

_MARGIN_S = 300.0
"""For whatever is not the timing: libraries from a slow card, loading, warming up, layers, golden outputs."""
_ON_THE_WAY_S = 30.0
_SETTLE_WITHIN_S = (1.0, 30.0)
_COOL_WITHIN_S = (10.0, 120.0)
_COOL_C = 50.0
"""Below the limit of every board (a Pi 3B+ slows down at 60 °C) by more than a run of some seconds heats it."""


@dataclass(frozen=True)
class Job:
    """One file on one runtime. All paths are the board's.

    python: the interpreter that has the runtime. program: bench.py. golden: folder with inputs.npz, outputs.npz and
    tolerance.json. environment: added to the board's own (PYTHONPATH, LD_LIBRARY_PATH). kernels: of litert, "xnnpack"
    or "builtin". counted: where above 0, nothing is timed and so many inferences stand between marks.
    """

    runtime: str
    threads: int
    program: str
    model: str
    python: str = "python3"
    golden: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    kernels: str = "xnnpack"
    counted: int = 0

    def command(self, seconds: float, deadline: float) -> list[str]:
        words = [self.python, self.program, "--runtime", self.runtime, "--model", self.model]
        words += ["--threads", str(self.threads), "--seconds", f"{seconds:g}", "--deadline", f"{deadline:g}"]
        if self.golden is not None:
            words += ["--golden", self.golden]
        if self.kernels != "xnnpack":
            words += ["--kernels", self.kernels]
        if self.counted:
            words += ["--counted", str(self.counted)]
        return words


@dataclass(frozen=True)
class Measured:
    """bench: what bench.py said in the attempt that counts: the first that nothing disturbed, else the last.

    earlier: the attempts before it, each disturbed. Figures of two attempts are never put together.
    """

    bench: dict[str, Any]
    earlier: tuple[dict[str, Any], ...] = ()

    @property
    def attempts(self) -> int:
        return len(self.earlier) + 1

    @property
    def disturbed(self) -> tuple[str, ...]:
        """What disturbed the attempt that counts; empty: nothing that could be seen."""
        return tuple(self.bench["disturbed"])

    @property
    def told(self) -> dict[str, Any]:
        """`bench` with "attempts" and "earlier" in it, as `bench.json` has them."""
        return {**self.bench, "attempts": self.attempts, "earlier": list(self.earlier)}


def measure(
    transport: Transport,
    job: Job,
    *,
    seconds: float = 3.0,
    deadline: float | None = None,
    repeats: int = REPEATS,
    say: Callable[[str], None] = lambda line: None,
) -> Measured:
    """Measure over `seconds`; repeat what was disturbed, once the board has cooled and is quiet.

    The wait has an end (2 minutes for heat, 30 s for other programs, less where `seconds` are few); where that came
    first, one more attempt is made, and no third. deadline: of one attempt, in s; five minutes over three times
    `seconds` by default. say: hears what disturbed a run, before the wait. Raises RunError with the runtime's own words
    or with what ended it (too little memory, an instruction that the processor lacks, the deadline), each with what to
    do next; BoardError if the board is lost. Nothing of it is left running there.
    """
    limit = _MARGIN_S + 3 * seconds if deadline is None else deadline
    where = _where(transport, job)
    earlier: list[dict[str, Any]] = []
    settled = True
    while True:
        found = _attempt(transport, job, seconds, limit)
        if not found["disturbed"] or len(earlier) == repeats or not settled:
            return Measured(found, tuple(earlier))
        earlier.append(found)
        say(f"{where}: {', '.join(found['disturbed'])}; measures again after a pause")
        settled = _settled(transport, job, found, seconds)


def _attempt(transport: Transport, job: Job, seconds: float, deadline: float) -> dict[str, Any]:
    ran = _run(transport, job, job.command(seconds, deadline), deadline)
    answer = answered(ran)
    if answer is not None and "error" in answer:
        raise refused(_where(transport, job), _board(transport), str(answer["error"]))
    if answer is None or ran.code != 0:
        raise crashed(_where(transport, job), _board(transport), ran, seconds=deadline)
    return answer


def _settled(transport: Transport, job: Job, found: Mapping[str, Any], seconds: float) -> bool:
    """Wait on the board until nothing would disturb the next attempt; False if that did not come in time."""
    hot = _was_hot(found["watch"])
    quiet, cool = _between(2 * seconds, _SETTLE_WITHIN_S), _between(40 * seconds, _COOL_WITHIN_S)
    command = [job.python, job.program, "--settle", f"{quiet:g}"]
    if hot:
        command += ["--cool-to", f"{_COOL_C:g}", "--cool-within", f"{cool:g}"]
    answer = answered(_run(transport, job, command, max(quiet, cool) if hot else quiet))
    return answer is not None and answer.get("settled") is True


def _between(seconds: float, limits: tuple[float, float]) -> float:
    return min(max(seconds, limits[0]), limits[1])


def _was_hot(watch: Mapping[str, Any]) -> bool:
    """Whether the clock was held down, for which heat is the usual cause."""
    return bool(watch["throttled"] or watch["throttle_events"] or watch["slow"])


def _run(transport: Transport, job: Job, command: list[str], deadline: float) -> Ran:
    # The program ends itself at its deadline: the board is not lost with it, and its next file goes on.
    return transport.run(command, deadline=deadline + _ON_THE_WAY_S, environment=job.environment, guarded=True)


def _board(transport: Transport) -> str | None:
    return None if isinstance(transport, LocalTransport) else transport.name


def _where(transport: Transport, job: Job) -> str:
    return f"{transport.name}: {PurePath(job.model).name} in {job.runtime}"
