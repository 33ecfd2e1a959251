"""Back to the version before, on this machine as a board; and what it tells and reads again."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.errors import BoardError
from sepia.ship.parts import RepositoryFolder
from sepia.ship.push import push
from sepia.ship.rollback import rollback
from sepia.ship.status import status
from sepia.ship.verify import verify
from support.here_board import HereBoard, installed
from support.tuf_story import Story


@pytest.fixture
def two(board: HereBoard, story: Story) -> HereBoard:
    """1.1.0 runs, and 1.0.0 ran before."""
    installed(board, story)
    for version in ("1.0.0", "1.1.0"):
        story.publish(version)
        push(board, RepositoryFolder(story.repository))
    return board


def test_back_and_held(two: HereBoard, story: Story) -> None:
    told = rollback(two)
    assert told["models"]["lite0"]["version"] == "1.0.0"
    model = status(two)["models"]["lite0"]
    assert (model["version"], [held["version"] for held in model["held"]]) == ("1.0.0", ["1.1.0"])
    (one,) = push(two, RepositoryFolder(story.repository)).models
    assert (one.result, one.version) == ("held", "1.0.0")
    (one,) = push(two, RepositoryFolder(story.repository), again=True).models
    assert (one.result, one.version) == ("switched", "1.1.0")


def test_to_what_is_not_kept(two: HereBoard) -> None:
    with pytest.raises(
        BoardError, match=r"^kitchen: lite0: version '0\.9\.0' is not kept; next: kept: 1\.0\.0, 1\.1\.0"
    ):
        rollback(two, "lite0", "0.9.0")


def test_which_model(board: HereBoard, story: Story) -> None:
    installed(board, story)
    with pytest.raises(BoardError, match=r"^kitchen: say which model; accepted: none runs there"):
        rollback(board)


def test_spoilt_files_are_found(two: HereBoard, home: Path) -> None:
    assert verify(two)["models"]["lite0"] == {"version": "1.1.0", "ok": True, "reason": ""}
    file = home / ".sepia/ship/models/lite0/current/payload.bin"
    data = bytearray(file.read_bytes())
    data[100] ^= 1
    file.write_bytes(data)
    with pytest.raises(BoardError, match=r"^kitchen: lite0: .*payload\.bin.*; next: an update puts it right"):
        verify(two)
    assert status(two)["models"]["lite0"]["spoilt"]
