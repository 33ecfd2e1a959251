"""Many boards at once: a thread each, the first cause of one that fails, and nothing left running on Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from ..errors import SepiaError
from .place import Place
from .reach import reach
from .transport.interface import Transport

__all__ = ["MOST_AT_ONCE", "Outcome", "at_each"]

MOST_AT_ONCE = 64
"""Boards under way; more wait for one that is done."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """What one board gave. failure: its first cause, "" where there is a result. seconds: wall time, login included."""

    place: Place
    result: Result | None
    failure: str
    seconds: float


def at_each(
    places: Sequence[Place],
    action: Callable[[Place, Transport], Result],
    *,
    done: Callable[[Outcome[Result]], None] = lambda _: None,
) -> tuple[Outcome[Result], ...]:
    """Do `action` at every place, at once; the outcomes stand in their order.

    A board that fails with an error of the user's or of its own does not stop the others. done: told of each as it
    ends, one at a time. Ctrl-C closes every connection, and so ends what runs on the boards.
    """
    if not places:
        return ()
    opened, told = _Opened(), Lock()

    def one(place: Place) -> Outcome[Result]:
        outcome = _outcome(place, action, opened)
        with told:
            done(outcome)
        return outcome

    with ThreadPoolExecutor(min(len(places), MOST_AT_ONCE)) as pool:
        futures = [pool.submit(one, place) for place in places]
        _wait(futures, opened)
    return tuple(future.result() for future in futures)


def _outcome(place: Place, action: Callable[[Place, Transport], Result], opened: _Opened) -> Outcome[Result]:
    began = time.monotonic()
    try:
        with reach(place) as transport:
            opened.add(transport)
            return Outcome(place, action(place, transport), "", time.monotonic() - began)
    except SepiaError as error:
        return Outcome(place, None, str(error), time.monotonic() - began)


def _wait(futures: Sequence[Future[Outcome[Result]]], opened: _Opened) -> None:
    """Until all are done. On Ctrl-C every connection is closed first, so that no thread waits for its board."""
    pending = set(futures)
    try:
        while pending:
            # A wait without an end would hold Ctrl-C back on some systems.
            _, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
    except BaseException:
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
