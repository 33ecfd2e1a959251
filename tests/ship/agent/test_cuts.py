"""An update cut at each act on the disk: `current` is the whole old or the whole new, and the next run settles it."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sepia.ship.agent.mend import look
from sepia.ship.agent.recover import recover
from sepia.ship.agent.rollback import rollback
from sepia.ship.agent.state import read_state
from support.cut_process import acts_of, cut_by_exception, killed_at, synced
from support.fake_repository import FakeBoard, bad, small_bundles
from support.small_bundles import MODEL, SmallBundle


@dataclass(frozen=True)
class Story:
    """before: what is published one after another. does: what is cut. ends: the version that runs once all is settled.

    may_run: after the cut. kept: versions in the end.
    """

    name: str
    before: tuple[str, ...]
    does: Callable[[FakeBoard, dict[str, SmallBundle]], object]
    may_run: tuple[str | None, ...]
    ends: str | None
    kept: set[str]
    keep: int = 3


def _to_2(board: FakeBoard, bundles: dict[str, SmallBundle]) -> object:
    return board.offer(bundles["2"])


def _unfit(board: FakeBoard, bundles: dict[str, SmallBundle]) -> object:
    board.verdicts["2"] = bad()
    return board.offer(bundles["2"])


def _unwell(board: FakeBoard, bundles: dict[str, SmallBundle]) -> object:
    board.unwell["2"] = "the camera is dark"
    return board.offer(bundles["2"])


def _back(board: FakeBoard, bundles: dict[str, SmallBundle]) -> object:
    return rollback(board.work, MODEL)


def _mended(board: FakeBoard, bundles: dict[str, SmallBundle]) -> object:
    (board.folder / "current" / "payload.bin").write_bytes(b"spoilt")
    return board.offer(bundles["1"])


STORIES = [
    Story("the first", (), _to_2, (None, "2"), "2", {"2"}),
    Story("another", ("1",), _to_2, ("1", "2"), "2", {"1", "2"}),
    Story("the oldest goes", ("0", "1"), _to_2, ("1", "2"), "2", {"1", "2"}, keep=2),
    Story("unfit", ("1",), _unfit, ("1",), "1", {"1"}),
    Story("unwell", ("1",), _unwell, ("1", "2"), "1", {"1"}),
    Story("the first, unwell", (), _unwell, (None, "2"), None, set()),
    Story("rolled back", ("1", "2"), _back, ("1", "2"), "1", {"1", "2"}),
]
KILLED = [story for story in STORIES if story.name == "another"]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SmallBundle]:
    folder = tmp_path_factory.mktemp("bundles")
    return {bundle.version: bundle for bundle in small_bundles(folder, "0", "1", "2")}


class Stage:
    """A board before a story, as often as it is needed."""

    def __init__(self, quick_disk: Path, story: Story, bundles: dict[str, SmallBundle]) -> None:
        self._story, self._bundles, self._path = story, bundles, quick_disk
        board = FakeBoard.made(quick_disk / "first", keep=story.keep)
        for version in story.before:
            assert board.offer(bundles[version]).version == version
        self._number = itertools.count()

    def board(self) -> FakeBoard:
        root = self._path / str(next(self._number))
        shutil.copytree(self._path / "first", root, symlinks=True)
        board = FakeBoard(root)
        board.repository.offered = self._bundles[self._story.before[-1]] if self._story.before else None
        return board

    def does(self, board: FakeBoard) -> Callable[[], object]:
        return lambda: self._story.does(board, self._bundles)

    def settled(self, board: FakeBoard) -> None:
        """Whole old or whole new now; then, in the very next run, what it has to come to, with nothing left over."""
        story = self._story
        assert board.runs() in story.may_run
        if story.name == "rolled back":
            recover(board.work, board.work.folder(MODEL))
            if board.runs() == "2":  # it was cut before it was meant: nobody was told that it was done
                rollback(board.work, MODEL)
        else:
            self._story.does(board, self._bundles)
        assert board.runs() == story.ends
        again = board.update(**({} if story.ends == "2" else {"model": MODEL}))
        assert board.runs() == story.ends
        assert again.version == story.ends
        self._nothing_left(board)

    def _nothing_left(self, board: FakeBoard) -> None:
        state = read_state(board.folder / "state.json")
        assert state is not None
        assert state.trial is None
        assert state.rollback is None
        assert {kept.version for kept in state.kept} == self._story.kept
        assert {path.name for path in (board.folder / "versions").iterdir()} == {kept.name for kept in state.kept}
        assert list((board.folder / "incoming").iterdir()) == []
        assert {path.name for path in board.folder.iterdir()} - {"current"} == {
            "versions", "incoming", "lock", "state.json",
        }  # fmt: skip


@pytest.mark.parametrize("story", KILLED, ids=lambda story: story.name)
def test_killed_at_each_act(quick_disk: Path, story: Story, bundles: dict[str, SmallBundle]) -> None:
    stage = Stage(quick_disk, story, bundles)
    acts = acts_of(stage.does(stage.board()))
    assert acts >= 10
    for act in range(1, acts + 1):
        board = stage.board()
        assert killed_at(act, stage.does(board))
        stage.settled(board)


@pytest.mark.slow
@pytest.mark.parametrize("story", [story for story in STORIES if story not in KILLED], ids=lambda story: story.name)
def test_killed_at_each_act_of_the_other_stories(
    quick_disk: Path, story: Story, bundles: dict[str, SmallBundle]
) -> None:
    test_killed_at_each_act(quick_disk, story, bundles)


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_an_exception_at_each_act(quick_disk: Path, story: Story, bundles: dict[str, SmallBundle]) -> None:
    stage = Stage(quick_disk, story, bundles)
    for act in range(1, acts_of(stage.does(stage.board())) + 1):
        board = stage.board()
        assert cut_by_exception(act, stage.does(board))
        stage.settled(board)


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_what_finishes_or_undoes_is_cut_too(quick_disk: Path, story: Story, bundles: dict[str, SmallBundle]) -> None:
    """25 pairs of moments: the first run is killed, then the next one, then it settles."""
    chance = random.Random(story.name)
    stage = Stage(quick_disk, story, bundles)
    acts = acts_of(stage.does(stage.board()))
    for _ in range(25):
        board = stage.board()
        for act in (chance.randint(1, acts), chance.randint(1, acts)):
            killed_at(act, stage.does(board) if story.name != "rolled back" else board.update)
            assert board.runs() in story.may_run
        stage.settled(board)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_everything_is_durable_before_it_is_named(
    quick_disk: Path, story: Story, bundles: dict[str, SmallBundle]
) -> None:
    stage = Stage(quick_disk, story, bundles)
    board = stage.board()
    with synced(board.root) as wrong:
        stage.does(board)()
    assert wrong == []


def test_a_mend_is_cut_at_each_act(quick_disk: Path, bundles: dict[str, SmallBundle]) -> None:
    """No file is worse than it was, and the next update puts right what is left."""
    story = Story("mended", ("1",), _mended, ("1",), "1", {"1"})
    stage = Stage(quick_disk, story, bundles)

    def spoilt() -> FakeBoard:
        board = stage.board()
        (board.folder / "current" / "labels.txt").write_bytes(b"ca")
        (board.folder / "current" / "payload.bin").write_bytes(b"spoilt")
        (board.folder / "current" / "more").write_bytes(b"")
        return board

    first = spoilt()
    from sepia.ship.agent.verify import verify_current

    assert not verify_current(first.work, MODEL)["ok"]
    acts = acts_of(first.update)
    for act in range(1, acts + 1, 3):
        board = spoilt()
        verify_current(board.work, MODEL)
        killed_at(act, board.update)
        network = board.folder / "current" / "network"
        assert network.read_bytes() == (quick_disk / "first/models" / MODEL / "current/network").read_bytes()
        assert board.update().result in ("mended", "current")
        assert board.runs() == "1"
        name = (board.folder / "current").readlink().name
        assert look(board.work.folder(MODEL), name, bundles["1"].sha256) == ""
