"""One writer at a time: the second waits for a while, then is told who is at it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import OutputError

__all__ = ["NAME", "locked"]

NAME = ".lock"
WAIT_S = 60.0
"""For whoever is publishing: a large bundle with its deltas takes some seconds."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the repository. The lock ends with the process. Raises OutputError after `WAIT_S` seconds."""
    path = folder / NAME
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise OutputError(str(folder), f"cannot be written ({error.strerror or error})") from error
    with os.fdopen(descriptor, "r+", encoding="ascii", errors="replace") as file:
        until = time.monotonic() + WAIT_S
        while not _taken(descriptor):
            if time.monotonic() >= until:
                holder = file.read(40).strip() or "another process"
                raise OutputError(
                    str(folder), f"somebody else is publishing ({holder})", hint="run the same command again afterwards"
                )
            time.sleep(0.05)
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
