"""Many boards at once, and what happens to them in the middle of a push: over a real SSH server each."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sepia.devices.transport.ssh import SSHTransport
from sepia.errors import BoardError
from sepia.ship.agent.config import Followed
from sepia.ship.install import Order, install
from sepia.ship.parts import RepositoryFolder
from sepia.ship.push import PushedTo, push
from sepia.ship.trust import read_trust
from support.arm_board import ArmBoard
from support.board_commands import BoardCommands
from support.here_board import WRONG
from support.small_bundles import TARGETS
from support.tuf_story import Story
from support.vm_witness import judged

pytestmark = pytest.mark.slow

MakeBoard = Callable[..., ArmBoard]
SHIP = "/home/pi/.sepia/ship"
BOARDS = 50
PAYLOAD = 1_000_000
WITHIN_S = 590.0


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "story", target=TARGETS["arm64"])


def connected(board: ArmBoard) -> SSHTransport:
    return SSHTransport(board.destination, name="kitchen", config=board.ssh_config, silence=4.0)


def installed(board: ArmBoard, story: Story) -> None:
    with connected(board) as transport:
        install(transport, Order("kitchen", story.model, Followed(story.target), read_trust(story.repository)))


def pushed(board: ArmBoard, story: Story, progress: Callable[[int, int], None] = lambda sent, total: None) -> PushedTo:
    """By a connection of its own, as another command's."""
    with connected(board) as transport:
        return push(transport, RepositoryFolder(story.repository), progress=progress)


def runs(board: ArmBoard, story: Story) -> str:
    """The version that runs; fails if it is not whole."""
    found = judged(board.path(f"{SHIP}/models/{story.model}/current"))
    assert found["whole"], found
    return str(found["version"])


def in_the_middle(fault: Callable[[], None]) -> Callable[[int, int], None]:
    happened = []

    def progress(sent: int, total: int) -> None:
        if sent > total // 2 and not happened:
            happened.append(sent)
            fault()

    return progress


def like(first: ArmBoard, board: ArmBoard, name: str) -> None:
    """What is installed on `first`, on another board: as a card that was copied, with its own name."""
    there = board.path("/home/pi/.sepia")
    shutil.copytree(first.path("/home/pi/.sepia"), there, symlinks=True)
    config = there / "ship" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "board": name}))
    board.inside("chown", "-R", "1000:1000", board.at("/home/pi/.sepia"))


def made(arm_board: MakeBoard, sepia: BoardCommands, story: Story, count: int) -> Mapping[str, ArmBoard]:
    """Boards that have the agent, and run what is published."""
    first = arm_board("pi4")  # what all share is made once
    installed(first, story)
    pushed(first, story)
    with ThreadPoolExecutor(8) as pool:
        boards = [first, *pool.map(lambda _: arm_board("pi4"), range(count - 1))]
    named = {f"board{number:02}": board for number, board in enumerate(boards)}
    for name, board in list(named.items())[1:]:
        like(first, board, name)
    for name, board in named.items():
        sepia.add(name, board)
    return named


@pytest.mark.timeout(900)
def test_fifty_boards_at_once(
    arm_board: MakeBoard, story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sepia = BoardCommands(tmp_path)
    story.publish("1.0.0", payload=PAYLOAD)
    boards = made(arm_board, sepia, story, BOARDS)
    bundle = story.publish("1.1.0", payload=PAYLOAD)
    before, began = [board.received() for board in boards.values()], time.monotonic()
    rows = sepia.rows("ship", "push", "--all", "--wave", "100%", "--repository", story.repository, timeout=WITHIN_S)
    seconds = time.monotonic() - began
    came = [board.received() - count for board, count in zip(boards.values(), before, strict=True)]
    assert sorted(row["board"] for row in rows) == sorted(boards)
    assert {row["pushed"]["models"][0]["result"] for row in rows} == {"switched"}
    assert {runs(board, story) for board in boards.values()} == {"1.1.0"}
    sent = max(row["pushed"]["sent"] for row in rows)
    assert sent < 0.75 * bundle.bytes, "no delta was sent"
    with capsys.disabled():
        figures = f"{sent / 1e6:.2f} MB of files sent to each, {max(came) / 1e6:.2f} MB over its cable"
        print(f"\n{BOARDS} boards, a delta to a bundle of {bundle.bytes / 1e6:.2f} MB: {figures}, {seconds:.1f} s")


def test_a_wave_stops_at_the_first_bad_board(arm_board: MakeBoard, story: Story, tmp_path: Path) -> None:
    sepia = BoardCommands(tmp_path)
    story.publish("1.0.0")
    boards = made(arm_board, sepia, story, 4)
    story.publish("1.1.0", does=WRONG)
    rows = sepia.rows("ship", "push", "--all", "--repository", story.repository, code=1)
    assert rows[0]["pushed"]["models"][0]["kind"] == "self-test"
    assert [row.get("left", False) for row in rows] == [False, True, True, True]
    assert {runs(board, story) for board in boards.values()} == {"1.0.0"}
    # A board that is off is bad, too.
    story.publish("1.2.0")
    list(boards.values())[1].kill_power()
    done = sepia.run("ship", "push", "--all", "--wave", "2,100%", "--repository", story.repository)
    assert done.returncode == 1
    assert "stopped there: 2 boards were not tried (board02, board03)" in done.stdout
    assert runs(boards["board00"], story) == "1.2.0"
    assert runs(boards["board02"], story) == "1.0.0"


def test_faults_in_mid_push(arm_board: MakeBoard, story: Story) -> None:
    """The link cut, the disk full: one line, what ran goes on, and the same again completes it."""
    board = arm_board("pi4")
    installed(board, story)
    story.publish("1.0.0")
    pushed(board, story)
    faults = {
        "1.1.0": (board.cut_link, board.mend_link, "lost|timed out|no answer|No route"),
        "1.2.0": (lambda: board.leave_disk(100_000), lambda: board.leave_disk(100_000_000), "No space left"),
    }
    for version, (fault, mend, line) in faults.items():
        old = runs(board, story)
        story.publish(version, payload=8_000_000)
        with pytest.raises(BoardError, match=line):
            pushed(board, story, in_the_middle(fault))
        mend()
        assert runs(board, story) == old
        (model,) = pushed(board, story).models
        assert (model.result, model.version) == ("switched", version)
        assert runs(board, story) == version
        assert list(board.path(f"{SHIP}/inbox").iterdir()) == []


def test_two_pushes_at_once(arm_board: MakeBoard, story: Story) -> None:
    board = arm_board("pi4")
    installed(board, story)
    story.publish("1.0.0", payload=2_000_000, takes_s=1.0)
    with ThreadPoolExecutor(2) as pool:
        both = [future.result() for future in [pool.submit(pushed, board, story) for _ in range(2)]]
    assert sorted(one.models[0].result for one in both) == ["current", "switched"]
    assert runs(board, story) == "1.0.0"
    assert list(board.path(f"{SHIP}/inbox").iterdir()) == []


def test_ctrl_c_in_the_middle_of_a_test(arm_board: MakeBoard, story: Story, tmp_path: Path) -> None:
    """Nothing goes on running there, what ran goes on, and the same again completes it."""
    sepia, board = BoardCommands(tmp_path), arm_board("pi4")
    sepia.add("kitchen", board)
    installed(board, story)
    story.publish("1.0.0")
    pushed(board, story)
    story.publish("1.1.0", takes_s=20.0)
    process = sepia.start("ship", "push", "kitchen", "--repository", story.repository)
    wait(lambda: any("sleep" in line for line in board.processes()), "the self-test never began")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    wait(lambda: not board.processes(), "something goes on running")
    assert runs(board, story) == "1.0.0"
    (model,) = pushed(board, story).models
    assert (model.result, model.version) == ("switched", "1.1.0")


def wait(so: Callable[[], Any], otherwise: str) -> None:
    until = time.monotonic() + 60
    while not so():
        assert time.monotonic() < until, otherwise
        time.sleep(0.2)
