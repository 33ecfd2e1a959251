"""Work that runs one step ahead of whoever uses it: reading photos, inference and counting side by side."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

__all__ = ["ahead"]

T = TypeVar("T")


def ahead(items: Iterable[T]) -> Iterator[T]:
    """`items`, made in a thread of its own, in order. An error there is raised here, in its place.

    The next item is begun when the last one is taken, never sooner: two are in memory however slow the reader is.
    Closing the iterator (or an error in the caller's loop) ends the thread.
    """
    waiting: queue.Queue[tuple[bool, Any]] = queue.Queue(1)
    begin = threading.Semaphore(1)
    stopped = threading.Event()
    thread = threading.Thread(target=_make, args=(items, waiting, begin, stopped), daemon=True)
    thread.start()
    try:
        while True:
            more, item = waiting.get()
            if not more:
                break
            begin.release()
            yield item
        if item is not None:
            raise item
    finally:
        stopped.set()
        begin.release()
        thread.join()


def _make(
    items: Iterable[T], waiting: queue.Queue[tuple[bool, Any]], begin: threading.Semaphore, stopped: threading.Event
) -> None:
    failure: BaseException | None = None
    try:
        stream = iter(items)
        while True:
            begin.acquire()
            if stopped.is_set():
                break
            waiting.put((True, next(stream)))
    except StopIteration:
        pass
    except BaseException as error:  # noqa: BLE001 - raised in the thread that reads
        failure = error
    if not stopped.is_set():
        waiting.put((False, failure))
