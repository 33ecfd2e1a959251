"""The self-test in a runtime of Python: `runtime/bench.py` of Sepia, alone in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import child
from .child import Limits
from .errors import Refused
from .manifest import Manifest
from .place import Place
from .tried import GOLDEN, KIND, Tried, failed, number

__all__ = ["try_python"]

_NO_MODULE = ("ModuleNotFoundError", "ImportError", "PackageNotFoundError")
_GRACE_S = 5.0


def try_python(folder: Path, manifest: Manifest, place: Place, *, work: Path, limits: Limits, mark: str) -> Tried:
    """One measured run with the golden check. work: an empty folder of its own.

    Raises Refused: kind "runtime" if it is not on this board, else KIND with how it ended.
    """
    ended = child.run(
        place.command(place.python, *_words(folder, manifest, place, limits)),
        folder=work,
        environment=place.surroundings(work),
        limits=limits,
        mark=mark,
    )
    told = _answer(manifest.runtime, ended)
    if "error" in told:
        raise _refused(manifest.runtime, str(told["error"])[:300])
    if ended.failure:
        raise failed(manifest.runtime, ended)
    try:
        return _tried(manifest.runtime, told, ended)
    except (KeyError, TypeError, AttributeError) as error:
        raise Refused(manifest.runtime, f"the measuring program left out {error}", kind=KIND) from error


def _words(folder: Path, manifest: Manifest, place: Place, limits: Limits) -> list[str]:
    """Without a bound nothing is timed: the golden check and two runs more are all that it takes of the board."""
    bounds = manifest.bounds
    timed = ["--seconds", "2.0", "--warmup-seconds", "3.0", "--least-runs", "3"]
    if bounds.p50_ms is None:
        timed = ["--counted", "1"] if bounds.rss_bytes is None else ["--seconds", "0.1", "--warmup-seconds", "0.1"]
    return [
        place.bench,
        *("--runtime", manifest.runtime),
        *("--model", str(folder / manifest.network)),
        *("--threads", str(manifest.threads)),
        *("--golden", str(folder / GOLDEN)),
        *timed,
        "--no-layers",
        # Should nobody be left to end it.
        *("--deadline", str(limits.deadline_s + _GRACE_S)),
    ]


def _answer(runtime: str, ended: child.Ended) -> dict[str, Any]:
    """What it printed. A process that was ended, or crashed, printed nothing."""
    if ended.stopped or ended.code < 0 or not ended.output:
        raise failed(runtime, ended)
    try:
        told = json.loads(ended.output.decode("utf-8").splitlines()[-1])
    except (ValueError, RecursionError, IndexError):
        told = None
    if not isinstance(told, dict):
        raise Refused(runtime, f"the measuring program printed no JSON ({ended.last_line})", kind=KIND)
    return told


def _refused(runtime: str, reason: str) -> Refused:
    if reason.startswith(_NO_MODULE):
        hint = "run sepia ship install again"
        return Refused(runtime, f"is not on this board ({reason})", kind="runtime", hint=hint)
    return Refused(runtime, f"cannot run it: {reason}", kind=KIND)


def _tried(runtime: str, told: dict[str, Any], ended: child.Ended) -> Tried:
    outputs = told["golden"]["outputs"]
    if not outputs:
        raise Refused(runtime, "there are no golden outputs to compare with", kind=KIND)
    wrong = [output for output in outputs if output["ok"] is not True]
    worst = max(wrong or outputs, key=lambda output: output.get("rms") or 0.0)
    reason = "" if not wrong and told["golden"]["ok"] is True else _reason(worst)
    return Tried(
        reason,
        number(runtime, worst.get("rms")),
        None if told["latency"] is None else number(runtime, told["latency"]["p50_ms"]),
        # Its own figure leaves out the golden arrays.
        ended.peak_rss_bytes if told["memory"] is None else _whole(number(runtime, told["memory"]["peak_rss_bytes"])),
        tuple(str(cause) for cause in told["disturbed"]),
    )


def _reason(output: dict[str, Any]) -> str:
    name = f"output {output['output']!r:.60}"
    if output.get("rms") is None:
        return f"{name}: {output['reason']}"
    return f"{name}: rms error {output['rms']:.4g}, at most {output['tolerance_rms']:.4g}"


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
