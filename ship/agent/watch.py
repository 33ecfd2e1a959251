"""A transfer that is too slow is cut: by a total deadline, and by a least rate over each window of waiting.

Timeouts of single reads are not enough: who sends a byte just before each of them ends holds a board for ever, in the
head of an answer as well as in its body. A thread looks at what has come, and shuts the connection's socket.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["Watch"]

_LOOKS = 4
"""In a window."""


class Watch:
    """deadline_s: seconds of waiting for everything together. least_bytes_per_s: over each window_s seconds of waiting.
    The time that the receiver needs for itself does not count.

    reason: why it was cut, or "".
    """

    def __init__(self, deadline_s: float, least_bytes_per_s: float, window_s: float) -> None:
        self.reason = ""
        self._deadline_s, self._least, self._window_s = deadline_s, least_bytes_per_s, window_s
        self._received, self._waited_s = 0, 0.0
        self._since: float | None = None
        self._mark = (0, 0.0)
        self._socket: socket.socket | None = None

    @property
    def _late(self) -> str:
        return f"not done within {self._deadline_s:g} s"

    def hold(self, connected: socket.socket) -> None:
        """The socket that is shut when it must be; a duplicate is kept, since TLS takes the socket itself over."""
        self.release()
        self._socket = connected.dup()

    def release(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    @contextmanager
    def transfer(self) -> Iterator[None]:
        """A request, or its answer: a whole window for its first bytes. Raises TimeoutError past the deadline."""
        if self._waited_s >= self._deadline_s:
            self.reason = self._late
            raise TimeoutError(self.reason)
        self.reason = ""
        self._mark = (self._received, self._waited_s)
        over = threading.Event()
        looker = threading.Thread(target=self._look, args=(over,), daemon=True)
        looker.start()
        try:
            yield
        finally:
            over.set()
            looker.join()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around each call that blocks on the network."""
        self._since = time.monotonic()
        try:
            yield
        finally:
            since, self._since = self._since, None
            self._waited_s += time.monotonic() - since

    def received(self, count: int) -> None:
        self._received += count

    def _look(self, over: threading.Event) -> None:
        while not over.wait(min(self._window_s, self._deadline_s) / _LOOKS):
            now, since = time.monotonic(), self._since
            received, waited_s = self._received, self._waited_s + (now - since if since is not None else 0.0)
            if waited_s >= self._deadline_s:
                return self._cut(self._late)
            if waited_s - self._mark[1] < self._window_s:
                continue
            came = received - self._mark[0]
            if came < self._least * self._window_s:
                return self._cut(
                    f"{came} bytes in {self._window_s:g} s; at least {self._least:g} a second are expected"
                )
            self._mark = (received, waited_s)

    def _cut(self, reason: str) -> None:
        self.reason = reason
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
