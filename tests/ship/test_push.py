"""What is published, brought to this machine as a board: sent no more than needed, and taken only if it is right."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.errors import BoardError
from sepia.ship.parts import RepositoryFolder
from sepia.ship.push import Chosen, PushedTo, push
from support.here_board import WRONG, HereBoard, installed
from support.tuf_story import Story


def pushed(board: HereBoard, story: Story, *chosen: object, **options: object) -> PushedTo:
    return push(board, RepositoryFolder(story.repository), Chosen(*chosen), **options)  # type: ignore[arg-type]


def runs(home: Path) -> str:
    return (home / ".sepia/ship/models/lite0/current").readlink().name.rpartition("-")[0]


def test_whole_then_a_delta_then_nothing(board: HereBoard, home: Path, story: Story) -> None:
    installed(board, story)
    first = story.publish("1.0.0", payload=200_000)
    done = pushed(board, story)
    assert [(one.before, one.version, one.result, one.how) for one in done.models] == [
        (None, "1.0.0", "switched", "whole")
    ]
    assert first.bytes < done.sent < first.bytes + 10_000
    assert done.models[0].rms == 0.0

    story.publish("1.1.0", payload=200_000)
    done = pushed(board, story)
    assert [(one.before, one.version, one.how) for one in done.models] == [("1.0.0", "1.1.0", "delta")]
    assert done.sent < 0.75 * done.whole_bytes  # half of the payload is new

    done = pushed(board, story)
    assert [(one.result, one.how) for one in done.models] == [("current", "nothing")]
    assert done.sent < 10_000
    assert runs(home) == "1.1.0"
    assert not list((home / ".sepia/ship/inbox").iterdir())


def test_a_version_that_fails_there(board: HereBoard, home: Path, story: Story) -> None:
    installed(board, story)
    story.publish("1.0.0")
    pushed(board, story)
    story.publish("1.1.0", does=WRONG)
    done = pushed(board, story)
    assert not done.ok
    (one,) = done.models
    assert (one.version, one.offered, one.result, one.kind) == ("1.0.0", "1.1.0", "refused", "self-test")
    assert "1.1.0" in one.reason
    assert runs(home) == "1.0.0"


def test_a_delta_that_cannot_be_used_is_followed_by_the_whole(board: HereBoard, home: Path, story: Story) -> None:
    installed(board, story)
    story.publish("1.0.0")
    pushed(board, story)
    story.publish("1.1.0")
    (version,) = (home / ".sepia/ship/models/lite0/versions").iterdir()
    (version / "payload.bin").write_bytes(b"spoilt")  # its base cannot be made again there
    done = pushed(board, story)
    assert [(one.result, one.how, one.version) for one in done.models] == [("switched", "whole", "1.1.0")]


def test_one_bundle_alone(board: HereBoard, story: Story) -> None:
    installed(board, story)
    first, second = story.publish("1.0.0"), story.publish("1.1.0")
    message = r"^kitchen: that bundle is not what is offered to it: lite0 1\.1\.0 is; next: sepia ship publish"
    with pytest.raises(BoardError, match=message):
        pushed(board, story, None, None, first.sha256)
    assert pushed(board, story, None, None, second.sha256).models[0].version == "1.1.0"


def test_what_it_does_not_follow(board: HereBoard, story: Story, tmp_path: Path) -> None:
    installed(board, story)
    story.publish("1.0.0")
    with pytest.raises(BoardError, match=r"^kitchen: does not follow lite0 beta; accepted: lite0 stable$"):
        pushed(board, story, "lite0", "beta")
    other = Story(tmp_path / "other", model="other", target=story.target)
    with pytest.raises(BoardError, match=r"^kitchen: follows lite0 stable, which .*other/repository does not have"):
        pushed(board, other)


def test_another_repository(board: HereBoard, home: Path, story: Story, tmp_path: Path) -> None:
    """Of the same names, and other keys."""
    installed(board, story)
    other = Story(tmp_path / "other", model=story.model, target=story.target)
    other.publish("9.9.9")
    done = pushed(board, other)
    assert [(one.result, one.version) for one in done.models] == [("refused", None)]
    assert done.models[0].kind == "not allowed"
    assert not (home / ".sepia/ship/models/lite0/current").exists()


def test_no_agent(board: HereBoard, story: Story) -> None:
    with pytest.raises(BoardError, match=r"^kitchen: has no agent in .*/\.sepia/ship; next: sepia ship install puts"):
        pushed(board, story)
