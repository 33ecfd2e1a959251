"""Back by hand, and held there."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.rollback import rollback
from sepia.ship.agent.state import State, read_state
from support.fake_repository import FakeBoard, small_bundles
from support.small_bundles import MODEL, SmallBundle


@pytest.fixture
def bundles(quick_disk: Path) -> list[SmallBundle]:
    return small_bundles(quick_disk, "1", "2", "3", "4")


@pytest.fixture
def board(quick_disk: Path, bundles: list[SmallBundle]) -> FakeBoard:
    """1, 2 and 3 are kept, 3 runs and is offered."""
    board = FakeBoard.made(quick_disk / "root")
    for bundle in bundles[:3]:
        board.offer(bundle)
    return board


def state_of(board: FakeBoard) -> State:
    state = read_state(board.folder / "state.json")
    assert state is not None
    return state


def test_the_version_before_runs_and_the_one_left_is_held(board: FakeBoard, bundles: list[SmallBundle]) -> None:
    done = rollback(board.work, MODEL)
    assert (done.result, done.version, board.runs()) == ("switched", "2", "2")
    held = board.update()
    assert (held.result, held.version, held.ok) == ("held", "2", True)
    assert board.runs() == "2"
    assert board.offer(bundles[3]).version == "4"  # a newer one ends it
    assert state_of(board).held == ()


def test_a_held_version_is_taken_on_demand(board: FakeBoard) -> None:
    rollback(board.work, MODEL)
    assert board.update(again=True).result == "switched"
    assert board.runs() == "3"
    assert state_of(board).held == ()


def test_twice_goes_back_twice_and_never_to_what_is_held(board: FakeBoard) -> None:
    rollback(board.work, MODEL)
    assert rollback(board.work, MODEL).version == "1"
    assert {held.version for held in state_of(board).held} == {"2", "3"}
    with pytest.raises(Refused, match="no version before") as error:
        rollback(board.work, MODEL)
    assert error.value.kind == "missing"


def test_to_a_version_holds_all_after_it(board: FakeBoard, bundles: list[SmallBundle]) -> None:
    rollback(board.work, MODEL, "1")
    assert board.runs() == "1"
    assert board.offer(bundles[1]).result == "held"


def test_forward_again_by_hand(board: FakeBoard) -> None:
    rollback(board.work, MODEL)
    assert rollback(board.work, MODEL, "3").version == "3"
    assert state_of(board).held == ()
    assert board.update().result == "current"
    assert rollback(board.work, MODEL).version == "2"


@pytest.mark.parametrize(("to", "said"), [("9", "is not kept"), ("3", "runs already"), ("../3", "is not kept")])
def test_what_is_not_there_is_refused(board: FakeBoard, to: str, said: str) -> None:
    with pytest.raises(Refused, match=said) as error:
        rollback(board.work, MODEL, to)
    assert error.value.hint == "kept: 1, 2, 3"
    assert board.runs() == "3"


def test_a_spoilt_version_is_not_rolled_back_to(board: FakeBoard) -> None:
    next((board.folder / "versions").glob("2-*/payload.bin")).write_bytes(b"")
    with pytest.raises(Refused, match=r"2: is spoilt.*payload.bin"):
        rollback(board.work, MODEL)
    assert board.runs() == "3"
    assert state_of(board).held == ()


def test_a_manifest_and_a_file_changed_together_are_seen(board: FakeBoard) -> None:
    """The folder agrees with itself, and is not what came."""
    import hashlib

    folder = next((board.folder / "versions").glob("2-*"))
    data = bytearray((folder / "payload.bin").read_bytes())
    old = hashlib.sha256(data).hexdigest()
    data[0] ^= 1
    (folder / "payload.bin").write_bytes(data)
    manifest = (folder / "manifest.json").read_text()
    assert old in manifest
    (folder / "manifest.json").write_text(manifest.replace(old, hashlib.sha256(data).hexdigest()))
    with pytest.raises(Refused, match="makes the bundle"):
        rollback(board.work, MODEL)


def test_the_operators_word_stays_though_health_is_not_well(board: FakeBoard) -> None:
    board.unwell["2"] = "no camera"
    done = rollback(board.work, MODEL)
    assert (done.result, done.kind, done.version, board.runs()) == ("refused", "health", "2", "2")
    assert "no camera" in done.reason


def test_a_model_that_nobody_knows_is_refused(board: FakeBoard) -> None:
    with pytest.raises(Refused, match="does not follow"):
        rollback(board.work, "mobilenet")
    assert not (board.root / "models" / "mobilenet").exists()
