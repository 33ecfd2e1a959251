"""What every road tells the driver: when it stood where, on the clock that all processes share."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

__all__ = ["Stopwatch"]


class Stopwatch:
    """Marks on CLOCK_MONOTONIC, in seconds: the driver knows when it started the process on the same clock."""

    def __init__(self) -> None:
        self.marks: dict[str, float] = {}

    def mark(self, name: str) -> None:
        self.marks[name] = time.monotonic()

    def write(self, folder: Path, *, files: Mapping[str, Path], packages: list[str]) -> None:
        """Leave `road.json` in `folder`: marks, int8 files made (suffix → name), versions of the packages, the peak.

        Called once all is done: what a process needs after it is not in its peak.
        """
        versions = {name: metadata.version(name) for name in packages}
        made = {suffix: path.name for suffix, path in files.items()}
        told = {"marks": self.marks, "files": made, "versions": versions, "peak": peak_bytes()}
        (folder / "road.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def peak_bytes() -> dict[str, int]:
    """{"rss": bytes}: of this process, or of the largest child that it waited for; {} where the kernel does not tell.

    VmHWM begins anew with the program. The figure that a parent gets (ru_maxrss) does not: it is never less than what
    the parent itself had when it started the process.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return {}
    own = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {} if own is None else {"rss": max(own, children) * 1024}
