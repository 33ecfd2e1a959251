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
WAIT_S = 10.0


@contextmanager
def locked(folder: Path, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the repository. The lock ends with the process. Raises OutputError after `wait_s` seconds of waiting."""
    path = folder / NAME
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise OutputError(str(folder), f"cannot be written ({error.strerror or error})") from error
    with os.fdopen(descriptor, "r+", encoding="ascii", errors="replace") as file:
        until = time.monotonic() + wait_s
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
