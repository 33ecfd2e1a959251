"""Many boards at once: their order, the first cause of one that fails, and Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sepia.devices import at_each as room
from sepia.devices.at_each import Outcome, at_each
from sepia.devices.place import Place
from sepia.devices.transport.interface import Transport
from sepia.devices.transport.local import LocalTransport
from sepia.errors import BoardError

Action = Callable[[Place, Transport], str]


def places(*names: str) -> tuple[Place, ...]:
    return tuple(Place("host", name, name) for name in names)


def test_all_are_done_at_once_and_stand_in_order() -> None:
    together = threading.Barrier(3, timeout=30)

    def action(place: Place, transport: Transport) -> str:
        together.wait()
        return f"{place.label} is {transport.name}"

    outcomes = at_each(places("c", "a", "b"), action)
    assert [outcome.result for outcome in outcomes] == ["c is c", "a is a", "b is b"]
    assert at_each((), action) == ()


def test_one_that_fails_keeps_its_cause_and_does_not_stop_the_others() -> None:
    def action(place: Place, transport: Transport) -> str:
        if place.label == "b":
            raise BoardError(transport.name, "its disk is full", hint="make room")
        return "right"

    ended: list[str] = []
    outcomes = at_each(places("a", "b", "c"), action, done=lambda outcome: ended.append(outcome.place.label))
    assert [(one.result, one.failure) for one in outcomes] == [
        ("right", ""),
        (None, "b: its disk is full; next: make room"),
        ("right", ""),
    ]
    assert sorted(ended) == ["a", "b", "c"]


def test_a_bug_of_ours_is_not_told_as_a_boards_failure() -> None:
    def action(place: Place, transport: Transport) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        at_each(places("a"), action)


def test_ctrl_c_closes_every_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    under_way = threading.Barrier(3, timeout=30)
    real_wait = room.wait
    failures: list[str] = []

    def interrupted(*arguments: object, **options: object) -> object:
        under_way.wait()
        monkeypatch.setattr(room, "wait", real_wait)
        raise KeyboardInterrupt

    def action(_: Place, transport: Transport) -> str:
        under_way.wait()
        transport.run(["sleep", "600"], deadline=900)
        return "slept to the end"

    def done(outcome: Outcome[str]) -> None:
        failures.append(outcome.failure)

    monkeypatch.setattr(room, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        at_each(places("a", "b"), action, done=done)
    assert len(failures) == 2
    assert all(failures)


def test_a_connection_that_opens_after_the_end_is_closed_at_once() -> None:
    opened = room._Opened()
    opened.close()
    transport = LocalTransport("late")
    opened.add(transport)
    with pytest.raises(BoardError):
        transport.run(["true"], deadline=10)
