"""Many boards at once: order, first causes, and Ctrl-C."""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sepia.check.model_folder import ModelFolder
from sepia.devices import at_each
from sepia.devices.place import Place
from sepia.errors import BoardError
from sepia.pipeline import bench_board as one
from sepia.pipeline import bench_boards as many
from sepia.pipeline.bench_board import BoardDone
from sepia.pipeline.bench_settings import BenchSettings
from sepia.pipeline.progress import silent


class Held:
    """A way to a board that answers nothing until it is closed."""

    name, how = "held", "measured"

    def __init__(self) -> None:
        self.closed = threading.Event()

    def run(self, *_: Any, **__: Any) -> Any:
        self.closed.wait(20)
        raise BoardError(self.name, "the connection was closed")

    def close(self) -> None:
        self.closed.set()

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def places(*labels: str) -> list[Place]:
    return [Place("ssh", label, f"pi4@{label}", None, label) for label in labels]


def bench(folder: Path, labels: tuple[str, ...]) -> tuple[BoardDone, ...]:
    return many.bench_boards(ModelFolder(folder), (), places(*labels), BenchSettings(), silent)


def test_results_are_in_the_order_of_the_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last_first = {"a": threading.Event(), "b": threading.Event()}

    def slow(place: Place, *_: Any) -> BoardDone:
        if place.label == "a":
            assert last_first["b"].wait(20)
        last_first[place.label].set()
        return BoardDone({"name": place.label})

    monkeypatch.setattr(at_each, "reach", lambda place: Held())
    monkeypatch.setattr(many, "bench_board", slow)
    assert [done.device["name"] for done in bench(tmp_path, ("a", "b"))] == ["a", "b"]


def test_a_board_that_fails_keeps_its_first_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(transport: Any) -> Any:
        raise BoardError(transport.name, "the link was cut", hint="look at the cable")

    monkeypatch.setattr(at_each, "reach", lambda place: Held())
    monkeypatch.setattr(one, "probe", lost)
    first, second = bench(tmp_path, ("a", "b"))
    assert first.device["failure"] == "held: the link was cut; next: look at the cable"
    assert second.device["failure"] == first.device["failure"]
    assert first.rows == []


def test_a_bug_of_ours_is_no_failure_of_the_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(at_each, "reach", lambda place: Held())
    monkeypatch.setattr(one, "probe", broken)
    with pytest.raises(ZeroDivisionError):
        bench(tmp_path, ("a",))


@pytest.mark.parametrize("labels", [("a",), ("a", "b", "c")])
def test_ctrl_c_closes_every_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labels: tuple[str, ...]
) -> None:
    held: list[Held] = []

    def reach(_: Place) -> Held:
        held.append(Held())
        if len(held) == len(labels):
            threading.Thread(target=_soon, args=(_thread.interrupt_main,)).start()
        return held[-1]

    monkeypatch.setattr(at_each, "reach", reach)
    monkeypatch.setattr(one, "probe", lambda transport: transport.run())
    with pytest.raises(KeyboardInterrupt):
        bench(tmp_path, labels)
    assert all(way.closed.is_set() for way in held)


def _soon(action: Callable[[], None]) -> None:
    time.sleep(0.2)
    action()
