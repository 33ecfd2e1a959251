"""One command in a session of its own: its input handed in, its output kept within bounds, its whole group ended.

Whatever it does, `run` comes back within its deadline, and nothing that it started is left.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from . import processes

__all__ = ["Ended", "Limits", "last_line", "run"]

_LOOK_S = 0.1
_DRAIN_S = 2.0
_HOLD_S = 0.5
_PIECE = 1 << 16
_SAID_BYTES = 1 << 16
_MOST_CHILDREN = 32
_LINE = 300
"""Characters that are told of a line."""


@dataclass(frozen=True)
class Limits:
    """output_bytes: of standard output, and of standard error. rss_bytes: resident memory; None: as the board has it.

    file_bytes: of any one file that it writes.
    """

    deadline_s: float
    output_bytes: int = 1 << 20
    rss_bytes: int | None = None
    file_bytes: int = 64 << 20


@dataclass(frozen=True)
class Ended:
    """code: as subprocess gives it, negative for a signal. stopped: why it was ended from here, or "".

    output: all of standard output. said: the end of standard error. peak_rss_bytes: of the command itself, not of what
    it started.
    """

    code: int
    stopped: str
    output: bytes
    said: bytes
    peak_rss_bytes: int | None
    seconds: float

    @property
    def last_line(self) -> str:
        """Of standard error, "" if there is none."""
        return last_line(self.said)

    @property
    def failure(self) -> str:
        """Why it did not end well, or ""."""
        if self.stopped:
            return self.stopped
        if self.code < 0:
            return f"ended by {_signal(-self.code)}"
        return f"exit code {self.code}" if self.code else ""


def last_line(text: bytes) -> str:
    """That has something to read, cut and with blanks for control characters; "" if there is none."""
    for line in reversed(text[-_PIECE:].decode("utf-8", "replace").split("\n")):
        told = "".join(letter if letter.isprintable() else " " for letter in line).strip()
        if told:
            return told[:_LINE]
    return ""


def run(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    limits: Limits,
    feed: Iterable[bytes | memoryview] = (),
    awaited: int = 0,
    mark: str = "",
) -> Ended:
    """feed: its standard input, piece by piece. awaited: bytes of output after which its input ends.

    With `awaited` the input is held open until so many bytes have come back, so that the memory it took can be read
    while it waits for more; half a second after it took everything, the input ends all the same. mark: what descendants
    are known by; with it, the command steps back behind everything else on the board. Raises OSError if there is no
    such program.
    """
    child = _Child(command, folder, environment, limits, mark)
    try:
        child.talk(deque(feed), awaited)
    finally:
        child.end()
    return child.told()


class _Child:
    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], limits: Limits, mark: str
    ) -> None:
        self.limits, self.mark = limits, mark
        self.start = time.monotonic()
        self.least_available = _least_available()
        self.stopped = ""
        self.peak_rss_bytes: int | None = None
        self.output, self.said = bytearray(), bytearray()
        self.said_bytes = 0
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**environment, processes.MARK: mark} if mark else dict(environment),
            start_new_session=True,
        )
        if mark:
            cpu_s = (limits.deadline_s + 10) * (os.cpu_count() or 1)
            processes.step_back(self.process.pid, cpu_s=cpu_s, file_bytes=limits.file_bytes)
        self.selector = selectors.DefaultSelector()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start

    def talk(self, feed: deque[bytes | memoryview], awaited: int) -> None:
        """Until its main process has ended, or was ended for what it did."""
        process = self.process
        if not (process.stdin and process.stdout and process.stderr):
            raise RuntimeError("a child without the pipes that were asked for")
        self.feed, self.awaited, self.held_since = feed, awaited, 0.0
        for pipe in (process.stdin, process.stdout, process.stderr):
            os.set_blocking(pipe.fileno(), False)
        self.selector.register(process.stdin, selectors.EVENT_WRITE, self._write)
        self._listen(process.stdout, self._heard)
        self._listen(process.stderr, self._complained)
        while not self.stopped and not self._over():
            for key, _ in self.selector.select(_LOOK_S if self.selector.get_map() else 0.0):
                key.data(key.fileobj)
            if not self.selector.get_map():
                time.sleep(_LOOK_S / 10)
            self._look()

    def end(self) -> None:
        """Kill the group and whatever carries our mark, then take what is left in the pipes."""
        # The group has this number as long as its first process is not waited for.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.mark:
            processes.end_marked(self.mark)
        self.process.wait()
        until = time.monotonic() + _DRAIN_S
        while self._listening() and not self.stopped and time.monotonic() < until:
            for key, _ in self.selector.select(_LOOK_S):
                key.data(key.fileobj)
        self.selector.close()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def told(self) -> Ended:
        return Ended(
            self.process.returncode,
            self.stopped,
            bytes(self.output),
            bytes(self.said),
            self.peak_rss_bytes,
            self.seconds,
        )

    def _over(self) -> bool:
        """Whether it has ended; it is left to be waited for."""
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _listen(self, pipe: IO[bytes], heard: Callable[[bytes], None]) -> None:
        def ready(_: object) -> None:
            with suppress(BlockingIOError):
                piece = os.read(pipe.fileno(), _PIECE)
                if not piece:
                    self.selector.unregister(pipe)
                heard(piece)

        self.selector.register(pipe, selectors.EVENT_READ, ready)

    def _listening(self) -> bool:
        return any(key.events == selectors.EVENT_READ for key in self.selector.get_map().values())

    def _heard(self, piece: bytes) -> None:
        self.output += piece
        if len(self.output) > self.limits.output_bytes:
            self._stop(f"wrote more than {self.limits.output_bytes} bytes")
        elif self.awaited and len(self.output) >= self.awaited:
            self._end_input()

    def _complained(self, piece: bytes) -> None:
        self.said = (self.said + piece)[-_SAID_BYTES:]
        self.said_bytes += len(piece)
        if self.said_bytes > self.limits.output_bytes:
            self._stop(f"wrote more than {self.limits.output_bytes} bytes of messages")

    def _write(self, _: object) -> None:
        try:
            while self.feed:
                piece = memoryview(self.feed[0])
                took = os.write(self._input(), piece)
                self.feed[0] = piece[took:]
                if took == len(piece):
                    self.feed.popleft()
        except BlockingIOError:
            return
        except OSError:
            self.feed.clear()  # it reads no more: its exit code will tell
            self.awaited = 0
        if self.awaited:
            self._unregister_input()
        else:
            self._end_input()

    def _input(self) -> int:
        if self.process.stdin is None:
            raise RuntimeError("a child without the pipe that was asked for")
        return self.process.stdin.fileno()

    def _unregister_input(self) -> None:
        with suppress(KeyError, ValueError):
            self.selector.unregister(self.process.stdin)  # type: ignore[arg-type]

    def _end_input(self) -> None:
        self._see_memory()
        self._unregister_input()
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()

    def _look(self) -> None:
        self._see_memory()
        self._end_held_input()
        if self.seconds > self.limits.deadline_s:
            self._stop(f"not done within {round(self.limits.deadline_s, 1):g} s")
        elif self.mark and processes.children(self.process.pid) > _MOST_CHILDREN:
            self._stop(f"started more than {_MOST_CHILDREN} processes")
        elif self.mark:
            self._refuse_hunger()

    def _end_held_input(self) -> None:
        """It took everything, and does not answer: it may be waiting for the end."""
        stdin = self.process.stdin
        if self.feed or stdin is None or stdin.closed or _in_pipe(stdin.fileno()):
            return
        self.held_since = self.held_since or time.monotonic()
        if time.monotonic() - self.held_since > _HOLD_S:
            self._end_input()

    def _see_memory(self) -> None:
        found = processes.peak_rss_bytes(self.process.pid)
        if found is not None:
            self.peak_rss_bytes = max(found, self.peak_rss_bytes or 0)

    def _refuse_hunger(self) -> None:
        most, available = self.limits.rss_bytes, processes.available_bytes()
        if most is not None and (self.peak_rss_bytes or 0) > most:
            self._stop(f"too much memory: more than {most / 1e6:.0f} MB")
        elif available is not None and available < self.least_available:
            self._stop(f"too much memory: {available / 1e6:.0f} MB of the board's are left")

    def _stop(self, reason: str) -> None:
        self.stopped = self.stopped or reason


def _least_available() -> int:
    """Bytes of the board's memory that are left to everything else: a quarter of what is free now."""
    return (processes.available_bytes() or 0) // 4


def _in_pipe(descriptor: int) -> int:
    """Bytes that nobody has read yet."""
    import array
    import fcntl
    import termios

    count = array.array("i", [0])
    with suppress(OSError):
        fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0]


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
