"""This machine as a board: `bench.py` in a fresh process, so that nothing of ours is in the figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import BoardError, InputError, RunError
from ..runtime import runtime_named
from ..runtime.tflite_isolated import interpreter
from .measure import REPEATS, Job, measure
from .transport.local import LocalTransport

__all__ = ["BENCH_PROGRAM", "bench"]

BENCH_PROGRAM = Path(__file__).resolve().parents[1] / "runtime" / "bench.py"


def bench(
    model: Path,
    runtime: str,
    threads: int = 1,
    *,
    golden: Path | None = None,
    seconds: float = 3.0,
    deadline_seconds: float | None = None,
    repeats: int = REPEATS,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """What `bench.py` says of `model` in `runtime`, with "attempts", and "earlier" ones that were disturbed.

    golden: folder with inputs.npz, outputs.npz and tolerance.json. The rest is as in `measure`: a run that was
    disturbed is repeated. Interrupted, it ends with its children. Raises InputError, ConfigError (no such runtime),
    RuntimeUnavailable, and RunError with the runtime's own last line.
    """
    engine = runtime_named(runtime)
    if not model.is_file():
        raise InputError(str(model), "no such file")
    engine.version()
    job = _job(model.resolve(), runtime, threads, golden)
    try:
        with LocalTransport() as here:
            found = measure(here, job, seconds=seconds, deadline=deadline_seconds, repeats=repeats, say=say)
    except BoardError as error:
        raise RunError(f"{model} in {runtime}", error.what, hint=error.hint) from error
    return found.told


def _job(model: Path, runtime: str, threads: int, golden: Path | None) -> Job:
    folder = None if golden is None else str(golden.resolve())
    job = Job(runtime, threads, str(BENCH_PROGRAM), str(model), golden=folder)
    if runtime != "tflite-runtime":
        return job
    # Without the user's own PYTHONPATH and site packages, which are not made for that environment's NumPy.
    alone = {"PYTHONPATH": "", "PYTHONNOUSERSITE": "1"}
    return replace(job, python=str(interpreter()), environment=alone)
