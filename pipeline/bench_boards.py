"""Many boards at once: a thread each, the first cause of one that fails, and nothing left running on Ctrl-C."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Lock

from ..devices.place import Place
from ..devices.transport import Transport
from .bench_board import BoardDone, bench_board
from .bench_settings import BenchSettings
from .folder import Artifact, ModelFolder
from .progress import Report

__all__ = ["bench_boards"]

_MOST_AT_ONCE = 64


def bench_boards(
    folder: ModelFolder,
    artifacts: Sequence[Artifact],
    places: Sequence[Place],
    settings: BenchSettings,
    progress: Report,
) -> tuple[BoardDone, ...]:
    """What each of `places` gave, in their order. Raises ConfigError where one can't be reached in principle."""
    if not places:
        return ()
    told, opened = _OneAtATime(progress), _Opened()
    with ThreadPoolExecutor(min(len(places), _MOST_AT_ONCE)) as pool:
        futures = [pool.submit(bench_board, place, folder, artifacts, settings, told, opened.add) for place in places]
        _wait(futures, opened)
    return tuple(future.result() for future in futures)


def _wait(futures: Sequence[Future[BoardDone]], opened: _Opened) -> None:
    """Until all are done. On Ctrl-C every connection is closed first, so that no thread waits for its board."""
    pending = set(futures)
    try:
        while pending:
            # A wait without an end would hold Ctrl-C back on some systems.
            _, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
    except KeyboardInterrupt:
        for future in futures:
            future.cancel()
        opened.close()
        raise


class _Opened:
    """The connections under way. One that is opened after the end is closed at once."""

    def __init__(self) -> None:
        self._transports: list[Transport] = []
        self._closed = False
        self._lock = Lock()

    def add(self, transport: Transport) -> None:
        with self._lock:
            self._transports.append(transport)
            closed = self._closed
        if closed:
            transport.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            transports = tuple(self._transports)
        for transport in transports:
            transport.close()


class _OneAtATime:
    """`progress` for several threads."""

    def __init__(self, progress: Report) -> None:
        self._progress = progress
        self._lock = Lock()

    def __call__(self, what: str, done: int, total: int) -> None:
        with self._lock:
            self._progress(what, done, total)
