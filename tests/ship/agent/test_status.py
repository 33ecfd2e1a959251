"""What a board says of itself, whatever state it is in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sepia.ship.agent.status import status
from support.fake_repository import FakeBoard, bad, small_bundles
from support.small_bundles import MODEL


@pytest.fixture
def board(quick_disk: Path) -> FakeBoard:
    return FakeBoard.made(quick_disk / "root", channel="beta")


def test_before_the_first(board: FakeBoard) -> None:
    told = status(board.work)
    assert (told["board"], told["time"]) == ("kitchen", "2026-11-25T12:00:00Z")
    model = told["models"][MODEL]
    assert (model["version"], model["kept"], model["pending"], model["last_check"]) == (None, [], None, None)
    assert (model["followed"], model["channel"], model["disk_bytes"]) == (True, "beta", 0)


def test_what_runs_and_what_lies_beside_it(board: FakeBoard, quick_disk: Path) -> None:
    one, two, three = small_bundles(quick_disk, "1", "2", "3")
    board.offer(one)
    board.offer(two)
    board.verdicts["3"] = bad("rms 9")
    board.offer(three)
    model = status(board.work)["models"][MODEL]
    assert (model["version"], model["sha256"], model["since"]) == ("2", two.sha256, "2026-11-25T12:00:00Z")
    assert model["previous"] == "1"
    assert [(kept["version"], kept["sha256"]) for kept in model["kept"]] == [("1", one.sha256), ("2", two.sha256)]
    assert [(refused["version"], refused["reason"]) for refused in model["refused"]] == [("3", "rms 9")]
    assert (model["last_check"]["result"], model["last_check"]["kind"]) == ("refused", "self-test")
    assert model["disk_bytes"] >= one.bytes
    json.dumps(model)


def test_a_trial_that_a_cut_left(board: FakeBoard, quick_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(board, "_health", gone)
    with pytest.raises(KeyboardInterrupt):
        board.offer(small_bundles(quick_disk, "1")[0])
    pending = status(board.work)["models"][MODEL]["pending"]
    assert (pending["version"], pending["phase"], pending["attempts"]) == ("1", "pending", 1)


def test_a_broken_board_still_answers(board: FakeBoard, quick_disk: Path) -> None:
    board.offer(small_bundles(quick_disk, "1")[0])
    (board.folder / "state.json").write_bytes(b"{")
    model = status(board.work)["models"][MODEL]
    assert "is no JSON" in model["spoilt"]
    (board.folder / "state.json").unlink()
    (board.folder / "current").unlink()
    (board.folder / "current").symlink_to("versions/9-0123456789ab")
    model = status(board.work)["models"][MODEL]
    assert (model["version"], model["missing"]) == ("9-0123456789ab", True)


def test_a_model_that_is_followed_no_more_is_told(board: FakeBoard) -> None:
    (board.root / "models" / "gone").mkdir(parents=True)
    assert not status(board.work)["models"]["gone"]["followed"]
