"""One at a time: a lock on a file that the kernel takes back when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .durable import make_folder, told
from .errors import Refused

__all__ = ["WAIT_S", "locked"]

WAIT_S = 60.0
_LOOK_S = 0.1


@contextmanager
def locked(path: Path, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold `path` while the block runs; children that are started do not inherit it.

    wait_s: seconds to wait for another to end. Raises Refused of kind "busy" that names its process.
    """
    make_folder(path.parent)
    with told(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        _take(path, descriptor, time.monotonic() + wait_s)
        with told(path):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _take(path: Path, descriptor: int, until: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                who = os.pread(descriptor, 20, 0).decode("ascii", "replace") or "another"
                what = f"process {who} is at work on it"
                raise Refused(str(path.parent), what, kind="busy", hint="try again when it is over") from None
            time.sleep(_LOOK_S)
