"""What a board finds when it starts."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.layout import Layout
from sepia.ship.agent.recover import INBOX_LASTS_S, recover, sweep_inboxes
from sepia.ship.agent.state import State, read_state
from support.fake_repository import FakeBoard, bad, small_bundles
from support.small_bundles import MODEL


@pytest.fixture
def board(quick_disk: Path) -> FakeBoard:
    """1, 2 and 3 are kept, 3 runs."""
    board = FakeBoard.made(quick_disk / "root")
    for bundle in small_bundles(quick_disk, "1", "2", "3"):
        board.offer(bundle)
    assert board.runs() == "3"
    return board


def recovered(board: FakeBoard) -> State:
    return recover(board.work, board.work.folder(MODEL))


def test_a_settled_board_is_left_as_it_is(board: FakeBoard) -> None:
    def seen() -> dict[str, int]:
        return {str(path): path.lstat().st_mtime_ns for path in board.folder.rglob("*")}

    before = seen()
    recovered(board)
    assert seen() == before


def test_a_new_board_has_a_state_before_its_first_folder(quick_disk: Path) -> None:
    """Without it, a first version that a cut left untried would be one that a lost state is made again from."""
    board = FakeBoard.made(quick_disk / "new")
    recovered(board)
    assert read_state(board.folder / "state.json") == State()


def test_what_is_half_there_is_removed(board: FakeBoard) -> None:
    (board.folder / "incoming" / "4-0123456789ab" / "golden").mkdir(parents=True)
    (board.folder / "incoming" / "4-0123456789ab.sepia").write_bytes(b"half")
    (board.folder / "current.new").symlink_to("versions/4-0123456789ab")
    (board.folder / "state.json.new").write_bytes(b"{")
    (board.folder / "versions" / "selftest-x.new").mkdir()
    (board.folder / "versions" / "4-0123456789ab").mkdir()
    recovered(board)
    assert list((board.folder / "incoming").iterdir()) == []
    assert sorted(path.name[0] for path in (board.folder / "versions").iterdir()) == ["1", "2", "3"]
    assert list(board.folder.glob("*.new")) == []


@pytest.mark.parametrize("broken", ["gone", "dangling", "elsewhere", "file"])
def test_a_broken_current_points_again_to_what_ran(board: FakeBoard, broken: str) -> None:
    current = board.folder / "current"
    current.unlink()
    if broken == "file":
        current.write_text("x")
    elif broken != "gone":
        current.symlink_to("versions/9-0123456789ab" if broken == "dangling" else "/etc")
    state = recovered(board)
    assert board.runs() == "3"
    assert state.history[-1].event == "mended"


def test_a_folder_that_lost_a_file_is_left_for_the_version_before(board: FakeBoard) -> None:
    (board.folder / "current" / "network").unlink()
    state = recovered(board)
    assert board.runs() == "2"
    assert state.of(state.previous) is not None
    assert state.previous != state.current


def test_the_only_version_stays_though_it_is_spoilt(quick_disk: Path) -> None:
    board = FakeBoard.made(quick_disk / "root")
    board.offer(small_bundles(quick_disk, "1")[0])
    (board.folder / "current" / "labels.txt").unlink()
    recovered(board)
    assert (board.folder / "current" / "network").is_file()


def test_a_folder_in_the_place_of_current_is_told(board: FakeBoard) -> None:
    (board.folder / "current").unlink()
    (board.folder / "current").mkdir()
    with pytest.raises(Refused, match="is a folder") as error:
        recovered(board)
    assert error.value.kind == "layout"


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"schema": 2}', b'{"schema": 1, "kept": {}}', b"\xff" * 99, None])
def test_a_lost_state_is_made_again_from_what_lies_there(board: FakeBoard, text: bytes | None) -> None:
    before = read_state(board.folder / "state.json")
    assert before is not None
    state = board.folder / "state.json"
    if text is None:
        state.unlink()
    else:
        state.write_bytes(text)
    made = recovered(board)
    assert [(kept.name, kept.sha256, kept.bytes) for kept in made.kept] == [
        (kept.name, kept.sha256, kept.bytes) for kept in before.kept
    ]
    assert (made.current, made.previous) == (before.current, before.previous)
    assert made.history[-1].event == "rebuilt"
    assert board.runs() == "3"
    assert board.update().result == "current"


def test_state_and_current_both_lost_need_a_self_test(board: FakeBoard) -> None:
    (board.folder / "state.json").write_bytes(b"")
    (board.folder / "current").unlink()
    board.tested.clear()
    board.verdicts["3"] = bad()
    recovered(board)
    assert board.runs() in ("1", "2")
    assert "3" in board.tested


def test_a_version_that_a_hand_switched_to_is_taken(board: FakeBoard) -> None:
    current = board.folder / "current"
    name = next(path.name for path in (board.folder / "versions").iterdir() if path.name.startswith("1-"))
    current.unlink()
    current.symlink_to(f"versions/{name}")
    state = recovered(board)
    assert board.runs() == "1"
    assert state.current == name
    assert state.history[-1].event == "found"


def test_a_kept_version_that_a_hand_removed_is_forgotten(board: FakeBoard) -> None:
    before = read_state(board.folder / "state.json")
    assert before is not None and before.previous is not None
    (board.folder / "versions" / before.previous).rename(board.folder / "elsewhere")
    state = recovered(board)
    assert [kept.version for kept in state.kept] == ["1", "3"]
    assert state.previous == state.kept[0].name


def test_an_old_inbox_is_removed_and_a_new_one_is_not(quick_disk: Path) -> None:
    layout = Layout(quick_disk)
    for name, age in (("new", 60.0), ("old", INBOX_LASTS_S + 60), ("future", -INBOX_LASTS_S - 60)):
        layout.inbox(name).mkdir(parents=True)
        os.utime(layout.inbox(name), (time.time() - age,) * 2)
    sweep_inboxes(layout)
    assert [path.name for path in layout.inboxes.iterdir()] == ["new"]
