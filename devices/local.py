"""This machine as a board: `bench.py` in a fresh process, so that nothing of ours is in the figures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, cast

from ..errors import InputError, RunError
from ..runtime import runtime_named
from ..runtime.tflite_isolated import interpreter

__all__ = ["BENCH_PROGRAM", "bench"]

BENCH_PROGRAM = Path(__file__).resolve().parents[1] / "runtime" / "bench.py"

_MARGIN_SECONDS = 180.0


def bench(
    model: Path,
    runtime: str,
    threads: int = 1,
    *,
    golden: Path | None = None,
    seconds: float = 3.0,
    deadline_seconds: float | None = None,
) -> dict[str, Any]:
    """What `bench.py` says of `model` in `runtime`, as it printed it.

    golden: folder with inputs.npz, outputs.npz and tolerance.json. seconds: time to measure over. deadline_seconds: the
    process is ended then; by default three minutes over twice `seconds`. Interrupted, it is ended, too. Raises
    InputError, ConfigError (no such runtime), RuntimeUnavailable, and RunError with the runtime's own last line.
    """
    engine = runtime_named(runtime)
    if not model.is_file():
        raise InputError(str(model), "no such file")
    engine.version()
    command = [*_python(runtime), str(BENCH_PROGRAM), "--runtime", runtime, "--model", str(model.resolve())]
    command += ["--threads", str(threads), "--seconds", str(seconds)]
    if golden is not None:
        command += ["--golden", str(golden.resolve())]
    deadline = _MARGIN_SECONDS + 2 * seconds if deadline_seconds is None else deadline_seconds
    with tempfile.TemporaryFile(prefix="sepia-") as said:
        printed, code = _run(command, deadline, said, where=f"{model} in {runtime}")
        said.seek(0)
        lines = [line.strip() for line in said.read().decode(errors="replace").splitlines() if line.strip()]
    return _result(printed, code, lines, where=f"{model} in {runtime}")


def _python(runtime: str) -> list[str]:
    # Without the user's own PYTHONPATH and site packages, which are not made for that environment's NumPy.
    return [str(interpreter()), "-E", "-s"] if runtime == "tflite-runtime" else [sys.executable]


def _run(command: list[str], deadline: float, said: IO[bytes], *, where: str) -> tuple[bytes, int]:
    """Standard output and exit code. The process leads a group of its own, so that its children end with it."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, start_new_session=True) as process:
        try:
            printed, _ = process.communicate(timeout=deadline)
        except subprocess.TimeoutExpired as error:
            raise RunError(
                where, f"not done after {deadline:g} s", hint="give it more time, or fewer seconds"
            ) from error
        finally:
            # Also on Ctrl-C: in a session of its own it does not get the terminal's.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    return printed, process.returncode


def _result(printed: bytes, code: int, lines: list[str], *, where: str) -> dict[str, Any]:
    try:
        found = json.loads(printed)
    except ValueError:
        found = None
    if isinstance(found, dict) and code == 0:
        return cast("dict[str, Any]", found)
    if isinstance(found, dict) and "error" in found:
        raise RunError(where, str(found["error"]))
    last = f": {lines[-1]}" if lines else ""
    if code < 0:
        hint = "was there too little memory?" if code == -signal.SIGKILL else ""
        raise RunError(where, f"was ended by {signal.Signals(-code).name}{last}", hint=hint)
    raise RunError(where, f"bench.py ended with code {code} and no result{last}")
