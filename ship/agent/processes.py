"""What the kernel tells of running processes, and how they are made to step back or to end. Linux alone."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["MARK", "available_bytes", "children", "end_marked", "peak_rss_bytes", "rss_bytes", "step_back"]

MARK = "SEPIA_SELFTEST"
"""Variable by whose value the descendants of a program are known, in whatever session and group they hide."""

_NICE = 3
"""Of a core that something else wants, too, a third is left (weights 526 and 1024 of the kernel's scheduler)."""
_PROC = Path("/proc")


def peak_rss_bytes(pid: int) -> int | None:
    """Greatest resident memory of a process until now; None if it has ended."""
    return _kilobytes(f"/proc/{pid}/status", "VmHWM")


def rss_bytes(pid: int) -> int | None:
    return _kilobytes(f"/proc/{pid}/status", "VmRSS")


def available_bytes() -> int | None:
    """What the board can still give away without swapping."""
    return _kilobytes("/proc/meminfo", "MemAvailable")


def children(pid: int) -> int:
    """How many its main thread has started that have not ended; 0 where the kernel does not tell."""
    with suppress(OSError):
        return len(Path(f"/proc/{pid}/task/{pid}/children").read_bytes().split())
    return 0


def step_back(pid: int, *, cpu_s: float, file_bytes: int) -> None:
    """Let everything else on the board go first: processor, and the first to go if memory runs out.

    cpu_s: processor time after which the kernel ends it, should nobody else be left to do so. file_bytes: longest file
    that it can write. What the kernel does not allow is left.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, _NICE)
    # A session is a scheduling group of its own, in which a process's niceness counts among its like alone.
    for name, value in (("autogroup", str(_NICE)), ("oom_score_adj", "1000")):
        with suppress(OSError):
            Path(f"/proc/{pid}/{name}").write_text(value, encoding="ascii")
    seconds = max(int(cpu_s), 1)
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: file_bytes,
    }
    for kind, most in limits.items():
        with suppress(OSError, ValueError):
            resource.prlimit(pid, kind, (most, most))


def end_marked(mark: str, *, within_s: float = 5.0) -> bool:
    """Kill every process that carries `mark`, until there is none; whether there is none."""
    until = time.monotonic() + within_s
    while found := list(_marked(mark)):
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def _marked(mark: str) -> Iterator[int]:
    wanted = f"{MARK}={mark}".encode()
    for entry in os.scandir(_PROC):
        # A process of another user can't be read, and is none of ours. One that has ended has no environment.
        with suppress(OSError):
            if entry.name.isdigit() and wanted in Path(entry.path, "environ").read_bytes().split(b"\0"):
                yield int(entry.name)


def _kilobytes(path: str, key: str) -> int | None:
    with suppress(OSError, ValueError, IndexError), open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123
        for line in file:
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    return None
