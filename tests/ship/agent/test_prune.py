"""Old versions go; what runs and what it goes back to never do."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.prune import discard, make_room, prune
from sepia.ship.agent.rollback import rollback
from sepia.ship.agent.state import State, read_state
from support.fake_repository import FakeBoard, small_bundles
from support.small_bundles import MODEL


@pytest.fixture
def board(quick_disk: Path) -> FakeBoard:
    """1 … 5 are kept, 5 runs."""
    board = FakeBoard.made(quick_disk / "root", keep=9)
    for bundle in small_bundles(quick_disk, "1", "2", "3", "4", "5"):
        board.offer(bundle)
    return board


def kept(board: FakeBoard) -> list[str]:
    versions = sorted(path.name.split("-")[0] for path in (board.folder / "versions").iterdir())
    state = read_state(board.folder / "state.json")
    assert state is not None
    assert versions == sorted(entry.version for entry in state.kept)
    return versions


def state_of(board: FakeBoard) -> State:
    state = read_state(board.folder / "state.json")
    assert state is not None
    return state


def test_the_oldest_go(board: FakeBoard) -> None:
    prune(board.work.folder(MODEL), state_of(board), 3)
    assert kept(board) == ["3", "4", "5"]
    assert list((board.folder / "incoming").iterdir()) == []


def test_what_runs_and_the_one_before_stay_however_old(board: FakeBoard) -> None:
    rollback(board.work, MODEL, "2")
    prune(board.work.folder(MODEL), state_of(board), 2)
    assert kept(board) == ["1", "2"]


def test_a_smaller_number_takes_effect_in_the_next_run(board: FakeBoard) -> None:
    board.configure(keep=2)
    assert board.update().result == "current"
    assert kept(board) == ["4", "5"]


def test_room_that_cannot_be_made_is_told_with_all_gone_that_could(board: FakeBoard) -> None:
    with pytest.raises(Refused, match="are free") as error:
        make_room(board.work.folder(MODEL), state_of(board), 1 << 60)
    assert error.value.kind == "disk"
    assert kept(board) == ["4", "5"]


def test_what_runs_is_never_discarded(board: FakeBoard) -> None:
    name = (board.folder / "current").readlink().name
    with pytest.raises(ValueError, match="is current"):
        discard(board.work.folder(MODEL), name)
    assert board.runs() == "5"
