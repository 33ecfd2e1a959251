"""What tuf's client does not do by itself: durable files, and going on after a power cut that spoilt some."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sepia.ship.agent.errors import Refused
from sepia.ship.agent.fetch import Inbox
from support.trusting_board import TrustingBoard
from support.tuf_repository import TufRepository

ROLE = "lite0.stable.json"


@pytest.fixture
def repository(tmp_path: Path) -> TufRepository:
    repository = TufRepository(tmp_path / "repository")
    repository.offer("1.0.0", b"old")
    return repository


@pytest.fixture
def board(tmp_path: Path, repository: TufRepository) -> TrustingBoard:
    board = TrustingBoard(tmp_path / "board", repository)
    board.take(Inbox(repository.folder))
    return board


def test_what_is_there_is_not_written_again(board: TrustingBoard, repository: TufRepository) -> None:
    """A look each hour must not wear the card."""
    before = stamps(board.folder)
    board.take(Inbox(repository.folder))
    assert stamps(board.folder) == before


def test_each_file_is_on_the_disk_before_it_has_its_name(
    board: TrustingBoard, repository: TufRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    replaced: dict[str, bool] = {}
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def watched_replace(old: Path, new: Path) -> None:
        replaced[Path(new).name] = Path(old).stat().st_ino in synced
        replace(old, new)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    repository.rotate("root", 2)
    repository.offer("1.1.0", b"new")
    board.offered(Inbox(repository.folder))
    expected = {"2.root.json", "timestamp.json", "snapshot.json", ROLE, "floor.json"}
    assert replaced.items() >= dict.fromkeys(expected, True).items()


@pytest.mark.parametrize("spoilt", [b"", b"\0" * 600, b'{"signed": {"_type": "times', b"half"])
@pytest.mark.parametrize(
    "names",
    [["timestamp.json"], ["snapshot.json"], ["targets.json"], [ROLE], ["root_history/1.root.json"], ["root.json"]],
    ids=lambda names: names[0],
)
def test_a_spoilt_file_is_fetched_again(
    board: TrustingBoard, repository: TufRepository, names: list[str], spoilt: bytes
) -> None:
    whole = board.files()
    for name in names:
        (board.folder / "metadata" / name).write_bytes(spoilt)
    board.take(Inbox(repository.folder))
    assert board.files() == whole


def test_an_older_file_that_came_back_is_no_floor(
    board: TrustingBoard, repository: TufRepository, tmp_path: Path
) -> None:
    """The disk forgot the last renames: the old timestamp is here again, and the attacker offers the same one."""
    kept = repository.keep(tmp_path / "kept")
    before = {name: (board.folder / "metadata" / name).read_bytes() for name in ("timestamp.json", "snapshot.json")}
    repository.offer("1.1.0", b"new")
    board.take(Inbox(repository.folder))
    for name, data in before.items():
        (board.folder / "metadata" / name).write_bytes(data)
    with pytest.raises(Refused, match=r"timestamp\.json: version 2 is offered, and this board has seen 3"):
        board.take(Inbox(kept))
    assert (board.folder / "taken").read_bytes() == b"new"
    fetched = board.take(Inbox(repository.folder))
    assert fetched is not None


def test_a_lost_floor_is_begun_again_from_the_metadata(
    board: TrustingBoard, repository: TufRepository, tmp_path: Path
) -> None:
    kept = repository.keep(tmp_path / "kept")
    repository.offer("1.1.0", b"new")
    board.take(Inbox(repository.folder))
    (board.folder / "trust" / "floor.json").write_bytes(b"")
    with pytest.raises(Refused) as refused:
        board.take(Inbox(kept))
    assert refused.value.kind == "rollback"
    assert "floor.json" in board.client.said[0]
    board.take(Inbox(repository.folder))
    assert board.client.said[1:] == []


def test_a_full_disk_is_told_and_leaves_what_was_there(
    board: TrustingBoard, repository: TufRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = board.files()
    repository.offer("1.1.0", b"new")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Refused, match=r"No space left on device.*free some space") as refused:
            board.offered(Inbox(repository.folder))
    assert refused.value.kind == "disk"
    assert board.files() == before


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """What changes when a file is replaced or written, but for the file that was just taken."""
    return {
        str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
        if not path.is_dir() and path.name != "taken"
    }
