"""Faults in the middle of a push: one line, the board as it was, and the next run completes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sepia.devices.provision.push import Pushed, push
from sepia.devices.transport.ssh import SSHTransport
from sepia.errors import BoardError
from support.arm_board import ArmBoard
from support.faults import Saw

MakeBoard = Callable[..., ArmBoard]
FOLDER = "/home/pi/.sepia/runtimes/one"
SIZE = 8_000_000


@pytest.fixture
def files(tmp_path: Path) -> Mapping[str, Path]:
    """Eight megabytes in four files."""
    found = {}
    for number in range(4):
        found[f"part/{number}.bin"] = path = tmp_path / f"{number}.bin"
        path.write_bytes(os.urandom(SIZE // 4))
    return found


def pushed(
    board: ArmBoard, files: Mapping[str, Path], progress: Callable[[int, int], None] = lambda sent, total: None
) -> Pushed:
    """By a connection of its own, as another command's."""
    with SSHTransport(board.destination, name="kitchen", config=board.ssh_config, silence=4.0) as transport:
        return push(transport, files, FOLDER, deadline=60.0, progress=progress)


def failing(board: ArmBoard, files: Mapping[str, Path], fault: Callable[[], None]) -> str:
    """The one line of a push in whose middle `fault` happens."""
    happened = []

    def progress(sent: int, total: int) -> None:
        if sent > total // 2 and not happened:
            happened.append(sent)
            fault()

    with pytest.raises(BoardError) as caught:
        pushed(board, files, progress)
    assert happened, "it was no fault in the middle"
    return str(caught.value)


def completed(board: ArmBoard, files: Mapping[str, Path]) -> None:
    """The next run mends it."""
    assert pushed(board, files).sent > 0
    for name, path in files.items():
        assert board.path(f"{FOLDER}/{name}").read_bytes() == path.read_bytes()
    assert left(board) == ["one"]


def left(board: ArmBoard) -> list[str]:
    """What is in the folder above, hidden files too."""
    folder = board.path(FOLDER).parent
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_disk_full(arm_board: MakeBoard, files: Mapping[str, Path], saw: Saw) -> None:
    board = arm_board("pi4")
    board.leave_disk(10_500_000)
    with pytest.raises(BoardError) as caught:
        pushed(board, files)
    saw("disk full before a push", str(caught.value))
    assert left(board) == []

    board.leave_disk(100_000_000)
    saw("disk full in mid-push", failing(board, files, lambda: board.leave_disk(100_000)))
    assert left(board) == []
    board.leave_disk(100_000_000)
    completed(board, files)


def test_read_only(arm_board: MakeBoard, files: Mapping[str, Path], saw: Saw) -> None:
    board = arm_board("pi4")
    board.read_only("/home/pi")
    with pytest.raises(BoardError) as caught:
        pushed(board, files)
    saw("home that cannot be written", str(caught.value))
    board.writable("/home/pi")
    completed(board, files)


def test_link_cut(arm_board: MakeBoard, files: Mapping[str, Path], saw: Saw) -> None:
    board = arm_board("pi4")
    board.slow_link("40mbit")
    saw("link cut in mid-push", failing(board, files, board.cut_link))
    assert "one" not in left(board)
    board.slow_link(None)
    board.mend_link()
    completed(board, files)


def test_power_cut(arm_board: MakeBoard, files: Mapping[str, Path], saw: Saw) -> None:
    board = arm_board("pi4")
    board.slow_link("40mbit")
    saw("power cut in mid-push", failing(board, files, board.kill_power))
    board.slow_link(None)
    board.start()
    assert "one" not in left(board)
    completed(board, files)


def test_two_at_once(arm_board: MakeBoard, files: Mapping[str, Path]) -> None:
    board = arm_board("pi4")
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: pushed(board, files), range(2)))
    assert [one.folder for one in both] == [FOLDER, FOLDER]
    assert left(board) == ["one"]
    for name, path in files.items():
        assert board.path(f"{FOLDER}/{name}").read_bytes() == path.read_bytes()
