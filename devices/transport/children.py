"""Processes of ours, each with bytes in, bytes out and a deadline; none outlives the call that started it."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import IO

from ...errors import BoardError

__all__ = ["Beat", "Children", "Ended", "NotStarted", "end_group"]

_PIECE = 1 << 16
_LOOK_SECONDS = 0.25
"""How often to ask whether a process has ended, on a system that can't tell of it."""
_GRACE_SECONDS = 4.0
_DRAIN_SECONDS = 1.0
"""What a process has said is waited for so long after its end: a child of its own may hold the pipe for ever."""


@dataclass(frozen=True)
class Beat:
    """Standard input stays open until the process ends, and `piece` is sent where nothing was for `seconds`.

    So its end of file means that we are gone, and nothing else.
    """

    piece: bytes
    seconds: float


class NotStarted(Exception):
    """A program that can't be started. code: as a shell has it, 127 where it is not there, else 126."""

    def __init__(self, program: str, error: OSError) -> None:
        self.code = 127 if isinstance(error, FileNotFoundError) else 126
        super().__init__(f"{program}: {error.strerror or error}")


@dataclass(frozen=True)
class Ended:
    """code: exit code, −n where signal n ended it. seconds: wall time."""

    code: int
    out: bytes
    err: bytes
    seconds: float


class Children:
    """The processes of one transport. name: of its board, for errors. Safe to use from several threads."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = Lock()
        self._running: dict[subprocess.Popen[bytes], bool] = {}
        self._closed = False

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: Iterable[bytes],
        deadline: float,
        environment: Mapping[str, str] | None = None,
        beat: Beat | None = None,
        what: str = "",
    ) -> Ended:
        """Run `command` until it ends. environment: the whole of it; None is ours. what: its name in errors.

        Raises NotStarted; BoardError at the deadline (in s), or where `close` was called. Whatever is raised, also by
        `stdin` itself or Ctrl-C: the process and its group are ended.
        """
        began = time.monotonic()
        what = what or command[0]
        process = self._start(command, environment, what, politely=beat is not None)
        try:
            out, err = _Talk(process, iter(stdin), began + deadline, beat).through()
        except _Late as late:
            raise self._late(what, deadline) from late
        finally:
            self._end(process, politely=beat is not None)
        if self._closed:
            raise self._was_closed(what)
        return Ended(process.returncode, out, err, time.monotonic() - began)

    def close(self) -> None:
        """End all, from any thread. Nothing can be started afterwards."""
        with self._lock:
            self._closed = True
            for process, politely in self._running.items():
                end_group(process, signal.SIGTERM if politely else signal.SIGKILL)

    def _start(
        self, command: Sequence[str], environment: Mapping[str, str] | None, what: str, *, politely: bool
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise self._was_closed(what)
            # A session of its own: Ctrl-C comes to us alone, and we end it with its children.
            try:
                process = subprocess.Popen(
                    list(command),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=None if environment is None else dict(environment),
                    start_new_session=True,
                )
            except OSError as error:
                raise NotStarted(command[0], error) from error
            self._running[process] = politely
        return process

    def _end(self, process: subprocess.Popen[bytes], *, politely: bool) -> None:
        # Taken out first: `close` must not kill a number that is another's by then.
        with self._lock:
            self._running.pop(process, None)
        try:
            if politely:
                # The end of its input tells a guard to end its command; it is then known to have ended.
                _close(process.stdin)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_GRACE_SECONDS)
        finally:
            end_group(process)
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                _close(pipe)

    def _late(self, what: str, deadline: float) -> BoardError:
        hint = "look what keeps it busy, or give it more time"
        return BoardError(self._name, f"'{what}' was not done after {round(deadline, 1):g} s", hint=hint)

    def _was_closed(self, what: str) -> BoardError:
        return BoardError(self._name, f"the connection was closed, so '{what}' was ended", hint="run it again")


def end_group(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGKILL) -> None:
    """Signal a process that leads a group of its own, and the whole group; nothing if it has ended already."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)


class _Late(Exception):
    """The deadline has come."""


class _Talk:
    """One process's pipes: pieces go in as it takes them, and what it says is kept. until: on the monotonic clock."""

    def __init__(self, process: subprocess.Popen[bytes], pieces: Iterator[bytes], until: float, beat: Beat | None):
        self._process = process
        self._pieces = pieces
        self._until = until
        self._beat = beat
        self._waiting = memoryview(b"")
        self._sent_at = time.monotonic()
        self._said: dict[IO[bytes], bytearray] = {}
        self._open: set[IO[bytes]] = set()
        self._ended_at: float | None = None

    def through(self) -> tuple[bytes, bytes]:
        """Standard output and error, once the process has ended. Raises _Late, and what the pieces raise."""
        stdin, out, err = self._process.stdin, self._process.stdout, self._process.stderr
        if stdin is None or out is None or err is None:
            raise ValueError("a process without pipes")
        self._stdin, self._said, self._open = stdin, {out: bytearray(), err: bytearray()}, {out, err}
        os.set_blocking(stdin.fileno(), False)
        with selectors.DefaultSelector() as selector, _end_of(self._process) as end:
            selector.register(stdin, selectors.EVENT_WRITE)
            for pipe in self._open:
                selector.register(pipe, selectors.EVENT_READ)
            if end is not None:
                selector.register(end, selectors.EVENT_READ)
            while not self._done():
                self._turn(selector, watched=end is not None)
        return bytes(self._said[out]), bytes(self._said[err])

    def _done(self) -> bool:
        if self._ended_at is None and self._process.poll() is not None:
            self._ended_at = time.monotonic()
        if self._ended_at is None:
            return False
        return not self._open or time.monotonic() > self._ended_at + _DRAIN_SECONDS

    def _turn(self, selector: selectors.BaseSelector, *, watched: bool) -> None:
        for key, _ in selector.select(self._patience(watched=watched)):
            if key.fileobj is self._stdin:
                self._feed(selector)
            elif key.fileobj in self._said:
                self._hear(selector, key.fileobj)
            else:
                selector.unregister(key.fileobj)
        self._keep_beating(selector)
        if self._ended_at is None and time.monotonic() >= self._until and self._process.poll() is None:
            raise _Late

    def _patience(self, *, watched: bool) -> float:
        """Seconds to wait for the next event, at most."""
        now = time.monotonic()
        waits = [self._until - now]
        if not watched or self._ended_at is not None:
            waits.append(_LOOK_SECONDS)
        if self._beat is not None:
            waits.append(self._sent_at + self._beat.seconds - now)
        return max(0.0, *[min(waits)])

    def _feed(self, selector: selectors.BaseSelector) -> None:
        try:
            while not self._waiting:
                self._waiting = memoryview(next(self._pieces))
            sent = os.write(self._stdin.fileno(), self._waiting[:_PIECE])
        except StopIteration:
            self._no_more(selector, close=self._beat is None)
        except BlockingIOError:
            return
        except BrokenPipeError:
            # It has ended, or wants no more: what it says tells which.
            self._no_more(selector, close=True)
        else:
            self._waiting = self._waiting[sent:]
            self._sent_at = time.monotonic()

    def _no_more(self, selector: selectors.BaseSelector, *, close: bool) -> None:
        self._pieces, self._waiting = iter(()), memoryview(b"")
        selector.unregister(self._stdin)
        if close:
            self._beat = None
            _close(self._stdin)

    def _keep_beating(self, selector: selectors.BaseSelector) -> None:
        if self._beat is None or time.monotonic() < self._sent_at + self._beat.seconds:
            return
        self._sent_at = time.monotonic()
        if self._stdin not in selector.get_map():
            self._waiting = memoryview(self._beat.piece)
            selector.register(self._stdin, selectors.EVENT_WRITE)

    def _hear(self, selector: selectors.BaseSelector, pipe: IO[bytes]) -> None:
        piece = os.read(pipe.fileno(), _PIECE)
        self._said[pipe] += piece
        if not piece:
            selector.unregister(pipe)
            self._open.discard(pipe)


class _end_of:  # noqa: N801 - used as a function
    """A descriptor that can be read once the process has ended; None where the system has no such thing."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._descriptor: int | None = None
        with suppress(AttributeError, OSError):
            self._descriptor = os.pidfd_open(process.pid)

    def __enter__(self) -> int | None:
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with suppress(OSError):
            pipe.close()
