"""One run of a road in a process of its own, measured from outside."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

__all__ = ["RoadFailed", "Run", "read_run", "run_road"]


class RoadFailed(Exception):
    """A road's process ended with an error; its log says why."""


@dataclass(frozen=True)
class Run:
    """wall_seconds: from starting the process to its end. import_seconds: from starting it to its mark "imported".

    cpu_seconds: of all its threads, user and system: it hardly moves when others use the machine. steps: seconds
    between consecutive marks, named by the later one. peak_rss_bytes: as the process found it at its end (a child of
    its own that it waited for counts if it was larger; they are never added); else the kernel's figure for a child,
    which is never less than the driver's own size.
    """

    wall_seconds: float
    import_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    steps: dict[str, float]
    files: dict[str, str]
    versions: dict[str, str]
    load_average: float

    @property
    def work_seconds(self) -> float:
        return self.wall_seconds - self.import_seconds


def run_road(python: Path, script: Path, arguments: Sequence[str], out: Path) -> Run:
    """Run a road to its end. Raises RoadFailed with the last lines of its log (`out`/road.log)."""
    out.mkdir(parents=True, exist_ok=True)
    log = out / "road.log"
    load_average = os.getloadavg()[0]
    with log.open("w", encoding="utf-8") as stream:
        began = time.monotonic()
        process = subprocess.Popen(
            [python, script, *arguments], stdout=stream, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        ended = time.monotonic()
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
        raise RoadFailed(f"{script.name} ended with {process.returncode}:\n{tail}")
    told = json.loads((out / "road.json").read_text(encoding="utf-8"))
    return read_run(told, began=began, ended=ended, usage=usage, load_average=load_average)


def read_run(
    told: dict[str, dict[str, object]],
    *,
    began: float,
    ended: float,
    usage: resource.struct_rusage,
    load_average: float,
) -> Run:
    """Turn what a road left in `road.json` (see `roads/stopwatch.py`) into a Run. began, ended: the driver's clock."""
    marks = {name: float(str(when)) for name, when in told["marks"].items()}
    moments = list(marks.items())
    steps = {later[0]: later[1] - earlier[1] for earlier, later in pairwise(moments)}
    return Run(
        wall_seconds=ended - began,
        import_seconds=marks["imported"] - began,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_rss_bytes=int(str(told.get("peak", {}).get("rss", usage.ru_maxrss * 1024))),
        steps=steps,
        files={suffix: str(name) for suffix, name in told["files"].items()},
        versions={name: str(version) for name, version in told["versions"].items()},
        load_average=load_average,
    )
