"""Whether a process that is not our child has ended: a kill takes effect when the kernel next runs it."""

from __future__ import annotations

import time
from pathlib import Path

__all__ = ["ends"]


def ends(pid: int, *, within_s: float = 10.0) -> bool:
    """Wait until it is gone or no more than a zombie."""
    until = time.monotonic() + within_s
    while _running(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def _running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
