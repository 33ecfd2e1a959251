"""Killed at each file that it writes, the publisher leaves what boards take, and the same command finishes it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sepia.errors import OutputError, SepiaError, TrustError
from sepia.ship.keys import KeyStore
from sepia.ship.repository import (
    check,
    delegate,
    promote,
    prune,
    publish,
    renew,
    rotate,
    set_rollout,
    withdraw,
)
from support.followed_repository import Follower, state_of
from support.small_bundles import MODEL

if TYPE_CHECKING:
    from conftest import Place

KILLED = 17
ROLE = f"{MODEL}.stable"
Act = Callable[[Path, KeyStore, "Place"], Any]

ACTS: dict[str, Act] = {
    "publish": lambda where, keys, place: publish(where, keys, place.bundle("1.2.0"), "stable"),
    "promote": lambda where, keys, place: promote(where, keys, MODEL, "1.3.0", "beta", "stable"),
    "roll-out": lambda where, keys, place: set_rollout(where, keys, MODEL, "stable", 0.5),
    "withdraw": lambda where, keys, place: withdraw(where, keys, MODEL, "stable", version="1.1.0"),
    "renew": lambda where, keys, place: renew(where, keys, ["root", "targets", "snapshot"]),
    "delegate": lambda where, keys, place: delegate(where, MODEL, "nightly", keys, names=["targets"]),
    "rotate root": lambda where, keys, place: rotate(where, keys, "root", "root-1", "fresh"),
    "rotate targets": lambda where, keys, place: rotate(where, keys, "targets", "targets", "fresh"),
    "rotate snapshot": lambda where, keys, place: rotate(where, keys, "snapshot", "snapshot", "fresh"),
    "rotate timestamp": lambda where, keys, place: rotate(where, keys, "timestamp", "timestamp", "fresh"),
    "rotate a channel": lambda where, keys, place: rotate(where, keys, ROLE, ROLE, "fresh"),
    "prune": lambda where, keys, place: prune(where, keys, keep=2, grace_days=0),
}

QUICK = ("rotate timestamp",)


@pytest.fixture
def filled(place: Place) -> Place:
    for version in ("1.0.0", "1.1.0"):
        publish(place.repository, place.keys, place.bundle(version), "stable")
    publish(place.repository, place.keys, place.bundle("1.3.0"), "beta")
    place.keys.new("fresh")
    return place


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ACTS]
)
def test_killed_at_each_file_it_leaves_what_boards_take(filled: Place, name: str) -> None:
    act, root = ACTS[name], filled.follower.root
    for step in range(1, 40):
        where = filled.folder / f"cut-{step}"
        shutil.copytree(filled.repository, where)
        old = Follower(filled.folder / f"old-{step}", f"file://{where}/", root)
        before = old.offer()
        done = _killed_at(step, lambda where=where: act(where, filled.keys, filled))  # type: ignore[misc]
        told = old.offer()
        _again(lambda where=where: act(where, filled.keys, filled))  # type: ignore[misc]
        assert told in (before, old.offer())
        Follower(filled.folder / f"new-{step}", f"file://{where}/", root).offer()
        assert not check(where, filled.keys).waiting
        if done:
            break
    assert done
    assert step > 1


def test_a_lost_key_leaves_a_moment_that_the_next_renewal_ends(filled: Place) -> None:
    """Root 2 knows another key, and the timestamp is still signed by the old one: boards wait."""
    (filled.keys.folder / "timestamp").unlink()
    act: Act = ACTS["rotate timestamp"]
    assert not _killed_at(2, lambda: act(filled.repository, filled.keys, filled))
    with pytest.raises(TrustError, match=r"no board accepts it now: timestamp was signed by 0/1 keys; .*keys renew"):
        check(filled.repository, filled.keys)
    renew(filled.repository, filled.keys)
    assert filled.follower.offer()["version"] == "1.1.0"


def test_a_full_disk_leaves_nothing_half_written(filled: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state_of(filled.repository)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device", str(filled.repository))

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OutputError, match=r"No space left on device.*free some space"):
        publish(filled.repository, filled.keys, filled.bundle("1.2.0"), "stable")
    assert state_of(filled.repository) == before
    monkeypatch.undo()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        set_rollout(filled.repository, filled.keys, MODEL, "stable", 0.5)
    monkeypatch.undo()
    assert filled.follower.offer()["rollout"] == 1.0
    assert not [name for name in state_of(filled.repository) if ".partial-" in name]


def _killed_at(step: int, act: Callable[[], Any]) -> bool:
    """Run `act` in another process that dies just before its `step`-th change to a folder; whether it ended before."""
    child = os.fork()
    if child == 0:
        _die_at(step)
        try:
            act()
        finally:
            os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, KILLED)
    return code == 0


def _die_at(step: int) -> None:
    left = step

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                os._exit(KILLED)
            return real(*arguments, **options)

        return call

    for name in ("replace", "unlink", "link"):
        setattr(os, name, counted(getattr(os, name)))


def _again(act: Callable[[], Any]) -> None:
    """The same command once more, which finishes what was begun; what was done already is refused."""
    try:
        act()
    except SepiaError as error:
        assert any(told in str(error) for told in ("is there already", "is not what", "has no key"))
