"""Keep a library's small talk off standard error, where progress is shown."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without_small_talk"]

_lock = threading.Lock()


@contextmanager
def without_small_talk(prefix: bytes) -> Iterator[None]:
    """Lines that start with `prefix` and that anything in this process wrote to file 2 meanwhile are dropped.

    All others come out when the block ends. For C++ that logs there and cannot be told not to.
    """
    try:
        kept = os.dup(2)
    except OSError:  # a service without standard error: nobody is disturbed
        yield
        return
    with _lock, tempfile.TemporaryFile() as said:
        sys.stderr.flush()
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            said.seek(0)
            rest = b"".join(line for line in said if not line.startswith(prefix))
            if rest:
                os.write(2, rest)
