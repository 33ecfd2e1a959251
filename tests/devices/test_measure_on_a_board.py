"""Measuring against the real sshd of an ARM board: how a run really ends there, and what its /sys really tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sepia.devices.measure import Job, measure
from sepia.devices.transport.program import answered
from sepia.devices.transport.ssh import SSHTransport
from sepia.errors import RunError
from sepia.runtime import bench
from support.arm_board import ArmBoard

PLACE = "/home/pi/.sepia/bench/test"


def put(board: ArmBoard, code: str) -> Job:
    """A program in the place of bench.py on `board`, and the job of running it."""
    board.write(f"{PLACE}/bench.py", code, mode=0o755)
    return Job("litert", 1, f"{PLACE}/bench.py", "/home/pi/model.int8.tflite")


def reached(board: ArmBoard) -> SSHTransport:
    return SSHTransport(board.destination, name="kitchen", config=board.ssh_config)


@pytest.fixture(scope="module")
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
