"""The emulated boards that other tests stand on: that they are what they say, and that their faults are real."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.arm_board import ArmBoard
from support.board_slots import FOLDERS, holding


def on(board: ArmBoard, command: str, *, deadline: float = 30) -> subprocess.CompletedProcess[str]:
    """Run a shell line on `board` through this machine's own ssh."""
    ssh = ["ssh", "-F", str(board.ssh_config), "-o", "BatchMode=yes", "-o", "ConnectTimeout=3"]
    alive = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2"]
    return subprocess.run(
        [*ssh, *alive, board.destination, command],
        capture_output=True,
        text=True,
        timeout=deadline,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("fixture", "machine", "bits"),
    [("arm64_board", "aarch64", 64), ("armhf_board", "armv7l", 32), ("armel_board", "armv6l", 32)],
)
def test_a_board_is_of_its_architecture(fixture: str, machine: str, bits: int, request: pytest.FixtureRequest) -> None:
    board: ArmBoard = request.getfixturevalue(fixture)
    code = "import platform, struct, sys; print(platform.machine(), 8 * struct.calcsize('P'), sys.version_info[:2])"
    ran = on(board, f'python3 -c "{code}"; whoami; grep -c Model /proc/cpuinfo; cat /sys/firmware/devicetree/base/*')
    assert ran.stdout.split("\n") == [f"{machine} {bits} (3, 11)", "pi", "1", f"{board.model.title}\0"]


def test_a_new_card(arm_board: Callable[..., ArmBoard]) -> None:
    """The other faults are tested where the product meets them; this one is what those tests go on from."""
    board = arm_board("pi4")
    board.fill_disk("/home/pi/small", 1_000_000)
    assert "No space left" in on(board, "dd if=/dev/zero of=small/x bs=100k count=20").stderr
    assert on(board, "touch file; ls").stdout == "file\nsmall\n"
    board.reset()
    assert on(board, "ls").stdout == ""


def test_what_is_written_into_the_users_home_does_not_shut_them_out(arm_board: Callable[..., ArmBoard]) -> None:
    board = arm_board("pi4")
    board.write("/home/pi/.sepia/bench/x", "1")
    board.write("/usr/share/x", "1")
    ran = on(board, "mkdir .sepia/runtimes .sepia/bench/y && ls .sepia; touch /usr/share/x")
    assert ran.stdout == "bench\nruntimes\n" and "Permission denied" in ran.stderr


def test_a_killed_process_leaves_nothing(arm_board: Callable[..., ArmBoard]) -> None:
    arm_board("pi4")  # holds the registration, so that it can't be the reason
    program = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[1])\n"
        "from support.arm_board import ArmBoard\n"
        "board = ArmBoard('pizero').__enter__()\n"
        "print(board.number, board._pid, board._holder.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    tests = str(Path(__file__).parents[1])
    ran = subprocess.run([sys.executable, "-c", program, tests], capture_output=True, text=True, timeout=120)
    number, pid, holder = ran.stdout.split()
    until_gone(f"/proc/{pid}", f"/proc/{holder}", f"/sys/class/net/sepia{number}")
    assert f"sepia-boards/{number}/" not in Path("/proc/mounts").read_text(encoding="utf-8")
    arm_board("pi4")
    with holding(int(number)) as free:
        assert not (free and (FOLDERS / number).exists()), "the next board did not sweep up"


def until_gone(*paths: str) -> None:
    until = time.monotonic() + 30
    while any(Path(path).exists() for path in paths):
        assert time.monotonic() < until, f"still there: {[path for path in paths if Path(path).exists()]}"
        time.sleep(0.05)
