"""The table of faults in the documentation (`docs/reference/faults.md`): what the user saw, as the tests did."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from support.fault_page import FaultPage, Saw

__all__ = ["FAULTS", "PAGE", "Saw", "read_page", "saw_fault"]

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"

FAULTS = {
    "unknown host": "nothing was sent",
    "board off, or not in this network": "the next run works once it is on",
    "unknown host key": "Sepia never accepts one in your place",
    "changed host key": "works again once you have removed the old key",
    "refused login": "nothing was sent",
    "no Python on the board": "the next run works once it has one",
    "too old a Python on the board": "nothing is sent",
    "too old a libc on the board": "nothing is sent",
    "ARMv6 board": "nothing is sent",
    "programs for a newer processor (ARMv7 on ARMv6)": "nothing was sent",
    "clock years off": "a note beside the board's facts; everything works",
    "disk full before a push": "nothing is sent",
    "disk full in mid-push": "nothing of the push is left; the next run completes it",
    "home that cannot be written": "the next run completes the push once it can",
    "link cut in mid-push": "what came is not taken for whole; the next run completes it",
    "power cut in mid-push": "what came is not taken for whole; the next run completes it",
    "board restarted in mid-run": "the next run measures",
    "link cut in mid-run": "the run ends on the board, too; the next run measures",
    "process killed for memory": "the board goes on; the next run with enough memory measures",
    "runtime built for a newer processor": "the next run is measured",
    "Ctrl-C here": "nothing is left running on the board",
}
"""Fault → what comes after it, in the page's order. What stands here is what its test checks."""

_HEAD = """# Faults of boards, and what you see

One line each: which board, what happened, what to do next. The board here is called `kitchen`. Every line was produced
by a test that made the fault happen to an emulated board with a real SSH server, or to an emulated machine with a
kernel of its own; for the old libc the facts of a real probe were changed, as no mirror has so old a system. In every
case the board is left as it was or complete, and the same command again goes on. Two who push the same at once are no
fault: both end with it whole.

| fault | what you see | afterwards |
| --- | --- | --- |
"""


def _settled(line: str) -> str:
    """Without what differs from run to run, and as a board says it that is not emulated."""
    line = line.replace("qemu: uncaught target signal 4 (Illegal instruction) - core dumped", "Illegal instruction")
    line = re.sub(r"10\.77\.\d+\.2", "192.168.1.20", line)
    line = re.sub(r"SHA256:[\w+/]{43}", "SHA256:…", line)
    return re.sub(rf"{re.escape(tempfile.gettempdir())}/\S*/known_hosts", "~/.ssh/known_hosts", line)


_PAGE = FaultPage(PAGE, FAULTS, _HEAD, ("kitchen: ", "sepia: stopped"), _settled)
saw_fault, read_page = _PAGE.saw, _PAGE.read
