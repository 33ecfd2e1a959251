"""Faults in the middle of a measurement: one line, nothing left running on the board, and the next run measures.

What runs there stands in for bench.py, so that each fault comes at a known moment; the product's way to run it, to
guard it and to tell how it ended is the real one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sepia.devices.inventory import Inventory
from sepia.devices.measure import Job, measure
from sepia.devices.transport.ssh import SSHTransport
from sepia.errors import SepiaError
from support.arm_board import ArmBoard
from support.arm_root import arm_root
from support.faults import Saw

MakeBoard = Callable[..., ArmBoard]

# It ends at once, is greedy, or runs until somebody ends it, as the model's name says.
PROGRAM = """
import json, sys, time
model = sys.argv[sys.argv.index("--model") + 1]
if "greedy" in model:
    bytearray(400_000_000)
if "endless" in model:
    time.sleep(1000)
print(json.dumps({"disturbed": []}))
"""
SILENCE = 4.0


@pytest.fixture
def board(arm_board: MakeBoard) -> Iterator[ArmBoard]:
    made = arm_board("pi4")
    made.write("/home/pi/bench.py", PROGRAM)
    yield made


def measured(board: ArmBoard, model: str, *, python: str = "python3", silence: float = SILENCE) -> dict[str, object]:
    job = Job("litert", 1, "/home/pi/bench.py", f"/home/pi/{model}.tflite", python=python)
    with SSHTransport(board.destination, name="kitchen", config=board.ssh_config, silence=silence) as transport:
        return measure(transport, job, seconds=1.0, deadline=60.0).bench


def failed(board: ArmBoard, model: str, *, python: str = "python3", silence: float = SILENCE) -> str:
    with pytest.raises(SepiaError) as caught:
        measured(board, model, python=python, silence=silence)
    return str(caught.value)


def failed_at(board: ArmBoard, fault: Callable[[], None], *, silence: float = SILENCE) -> str:
    """The one line of a run during which `fault` happens."""
    with ThreadPoolExecutor(1) as pool:
        line = pool.submit(failed, board, "endless", silence=silence)
        await_(lambda: bool(running(board)) or line.done())
        fault()
        return line.result()


def running(board: ArmBoard) -> list[str]:
    return [line for line in board.processes() if "bench.py" in line]


def await_(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.1)


def test_process_killed_for_memory(board: ArmBoard, saw: Saw) -> None:
    board.memory_limit(200_000_000)
    saw("process killed for memory", failed(board, "greedy"))
    assert measured(board, "small") == {"disturbed": []}


def test_board_restarted(board: ArmBoard, saw: Saw) -> None:
    def restart() -> None:
        board.kill_power()
        board.start()

    # It is back long before its silence would be noticed: what is told is that it knows nothing of the connection.
    saw("board restarted in mid-run", failed_at(board, restart, silence=40.0))
    assert measured(board, "small") == {"disturbed": []}


def test_link_cut(board: ArmBoard, saw: Saw) -> None:
    saw("link cut in mid-run", failed_at(board, board.cut_link))
    await_(lambda: not running(board))
    board.mend_link()
    assert measured(board, "small") == {"disturbed": []}


def test_runtime_built_for_a_newer_processor(arm_board: MakeBoard, saw: Saw) -> None:
    """ARMv7's Python on a Pi Zero, whose own one is ARMv6's: the processor itself refuses."""
    board = arm_board("pizero", roots=[arm_root("armel"), arm_root("armhf")])
    board.write("/home/pi/bench.py", PROGRAM)
    shutil.copy2(arm_root("armhf") / "usr/bin/python3.11", board.path("/home/pi/python-armv7"))
    saw("runtime built for a newer processor", failed(board, "small", python="/home/pi/python-armv7"))
    assert measured(board, "small") == {"disturbed": []}


def test_ctrl_c_here(arm_board: MakeBoard, tmp_path: Path, saw: Saw) -> None:
    """As a terminal sends it, to all of the command's process group; a gigabyte is on its way to the board."""
    board = arm_board("pi4")
    board.slow_link("8mbit")
    Inventory(tmp_path / "boards.toml").add("kitchen", board.destination)
    command = subprocess.Popen(
        [sys.executable, "-m", "sepia", "devices", "probe", "kitchen", "--transfer", "1000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "SEPIA_CONFIG": str(tmp_path), "SEPIA_SSH_CONFIG": str(board.ssh_config)},
    )
    await_(lambda: board.received() > 2_000_000)
    assert any("python3" in line for line in board.processes())
    os.killpg(command.pid, signal.SIGINT)
    _, said = command.communicate(timeout=60)
    assert command.returncode == 130
    saw("Ctrl-C here", said.splitlines()[-1])
    await_(lambda: board.processes() == [])
