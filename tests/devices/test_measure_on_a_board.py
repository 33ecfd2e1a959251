"""Measuring against the real sshd of an ARM board: how a run really ends there, and what its /sys really tells."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sepia.devices.measure import Job, Measured, measure
from sepia.devices.transport.program import answered
from sepia.devices.transport.ssh import SSHTransport
from sepia.errors import BoardError, RunError
from sepia.runtime import bench
from support.arm_board import ArmBoard

PLACE = "/home/pi/.sepia/bench/test"
RESULT = """
import json, sys
if '--settle' not in sys.argv:
    print(json.dumps({'disturbed': []}))
"""


def put(board: ArmBoard, code: str) -> Job:
    """A program in the place of bench.py on `board`, and the job of running it."""
    board.write(f"{PLACE}/bench.py", code, mode=0o755)
    return Job("litert", 1, f"{PLACE}/bench.py", "/home/pi/model.int8.tflite")


def reached(board: ArmBoard, silence: float = 20.0) -> SSHTransport:
    return SSHTransport(board.destination, name="kitchen", config=board.ssh_config, silence=silence)


@pytest.fixture
def link(arm64_board: ArmBoard) -> Iterator[SSHTransport]:
    with reached(arm64_board) as transport:
        yield transport


# --- how a run ends -----------------------------------------------------------------------------------------------

NATIVE = """
import ctypes, mmap
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex('{code}'))
ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
"""
UNDEFINED = "00000000"  # udf #0, A64
JUMP_TO_ZERO = "e0031faa00001fd6"  # mov x0, xzr; br x0, A64


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (NATIVE.format(code=UNDEFINED), "met an instruction that this processor does not have (SIGILL)"),
        (NATIVE.format(code=JUMP_TO_ZERO), "crashed (SIGSEGV)"),
        ("import os; os.abort()", "crashed (SIGABRT)"),
        ("import signal, time; signal.setitimer(signal.ITIMER_REAL, 1); time.sleep(99)", "was not done after 40 s"),
        ("import nothing_like_it", "No module named 'nothing_like_it'; next: put it there anew"),
    ],
    ids=["SIGILL", "SIGSEGV", "SIGABRT", "deadline", "no library"],
)
def test_a_crash_is_told(arm64_board: ArmBoard, link: SSHTransport, code: str, told: str) -> None:
    with pytest.raises(RunError) as raised:
        measure(link, put(arm64_board, code), deadline=40.0)
    assert str(raised.value).startswith("kitchen: model.int8.tflite in litert: ")
    assert told in str(raised.value)


def test_a_run_that_needs_too_much_memory_is_killed_alone(arm_board: Callable[..., ArmBoard]) -> None:
    board = arm_board("pi4")
    board.memory_limit(400 << 20)
    greedy = "kept = []\nwhile True: kept.append(bytearray(b'x') * (8 << 20))"
    with reached(board) as transport:
        with pytest.raises(RunError, match=r"was killed \(SIGKILL\), most likely for want of memory; next: end other"):
            measure(transport, put(board, greedy), deadline=60.0)
        assert measure(transport, put(board, RESULT)) == Measured({"disturbed": []})


def test_a_board_that_restarts_in_mid_run_is_lost_and_measures_again(arm_board: Callable[..., ArmBoard]) -> None:
    board = arm_board("pi4")
    waits = "import time\nopen('/tmp/begun', 'w').close()\ntime.sleep(300)"
    with reached(board, silence=4.0) as transport:
        off = threading.Thread(target=_off_once_begun, args=(board,))
        job = put(board, waits)
        off.start()
        with pytest.raises(BoardError, match=r"kitchen: .*; next: see that it has power and a link"):
            measure(transport, job)
        off.join()
        board.start()
        assert measure(transport, put(board, RESULT)) == Measured({"disturbed": []})


def _off_once_begun(board: ArmBoard) -> None:
    begun = board.path("/tmp/begun")
    for _ in range(600):
        if begun.exists():
            break
        threading.Event().wait(0.05)
    board.kill_power()


# --- what the board tells -----------------------------------------------------------------------------------------


def waited(board: ArmBoard, link: SSHTransport, *more: str) -> dict[str, Any]:
    job = put(board, Path(bench.__file__).read_text(encoding="utf-8"))
    ran = link.run([job.python, job.program, "--settle", "1", *more], deadline=60.0)
    found = answered(ran)
    assert found is not None, ran
    return found


def test_its_heat_and_its_firmware_are_read(arm_board: Callable[..., ArmBoard]) -> None:
    board = arm_board("pi4")
    with reached(board) as link:
        board.vcgencmd("throttled=0x50005")
        board.set_sys("class/thermal/thermal_zone0/temp", "83200")
        told = waited(board, link, "--cool-to", "50")
        assert (told["settled"], told["celsius"]) == (False, 83.2)
        assert {"held back by the firmware: under voltage, throttled", "at 83 °C, not yet at 50"} <= set(
            told["disturbed"]
        )
        board.vcgencmd("throttled=0x50000")  # since its start, and no longer
        board.set_sys("class/thermal/thermal_zone0/temp", "48000")
        told = waited(board, link, "--cool-to", "50")
        assert not [why for why in told["disturbed"] if "firmware" in why or "°C" in why]
