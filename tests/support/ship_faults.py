"""The table of faults and attacks of shipping (`docs/reference/ship-faults.md`): what a board said to each."""

from __future__ import annotations

import re
from pathlib import Path

from support.fault_page import FaultPage, Saw

__all__ = ["ATTACKS", "FAULTS", "ROWS", "SHIP_PAGE", "Saw"]

_OLD = "the old version runs on, whole"
_AGAIN = "the old version runs on; the next update gets the new one"
_REFUSED = "the old version runs on; this bundle is not tried again, another one is"

FAULTS = {
    "disk full before an update": _AGAIN,
    "link cut in mid-download": _AGAIN,
    "no server at the address": _AGAIN,
    "clock years back": "what is signed is read all the same: versions only rise",
    "clock years ahead": _AGAIN,
    "two updates at once": "one waits for the other; both end with the new version",
    "two pushes at once": "both end with the new version",
    "board restarted in mid-update": _AGAIN,
    "home that cannot be written": _AGAIN,
    "wrong outputs in the self-test": _REFUSED,
    "too slow for its bound": _REFUSED,
    "self-test that does not end": _REFUSED,
    "health command that fails": "the old version runs again; this bundle is not tried again",
}
"""Fault → what comes after it. What stands here is what its test checks."""

ATTACKS = {
    "changed bundle": _AGAIN,
    "changed metadata": _AGAIN,
    "swapped signature": _AGAIN,
    "old version offered again": _OLD,
    "frozen metadata": _OLD,
    "mixed repositories": _OLD,
    "another repository's root": _OLD,
    "endless response": _AGAIN,
    "slow response": _AGAIN,
    "key without the right": _OLD,
    "revoked key": _OLD,
    "threshold not met": _OLD,
    "a bomb of 10 GB": f"nothing of it is fetched; {_OLD}",
    "a bomb of 10 GB in the manifest": _REFUSED,
    "../ in a name": _REFUSED,
    "an absolute name": _REFUSED,
    "a line break in a name": _REFUSED,
    "a terminal's commands in a name": _REFUSED,
    "a symbolic link": _REFUSED,
    "a hard link": _REFUSED,
    "a device": _REFUSED,
    "a pipe": _REFUSED,
    "a name in an extended header": _REFUSED,
    "a file that its manifest does not name": _REFUSED,
    "changed bundle, pushed": _AGAIN,
    "swapped signature, pushed": _AGAIN,
}
"""Attack → what is kept."""

ROWS = {**FAULTS, **ATTACKS}

_HEAD = """# Shipping: faults and attacks, and what a board says

Every line was produced by a test that made the fault or the attack happen to an emulated ARM board: Debian's own Python
and a real SSH server there, a real web server or a push over SSH on the other side. The board here is called `kitchen`,
its model `lite0`. In every case what `current` names was read again, each file against its digest, and nothing was left
over. The odd archives are *validly signed*: they stand for a publisher's key in wrong hands.

Power cuts are tried apart, on an emulated machine with a disk of its own (`tests/ship/test_power_cuts.py`;
`SEPIA_POWER_CUTS=200` for two hundred): after each, before the agent runs, `current` is a whole old or a whole new
version, and the board comes to the newest by itself.

| fault or attack | what is seen | what is kept, and afterwards |
| --- | --- | --- |
"""


def _settled(line: str) -> str:
    """Without what differs from run to run, and as a board says it that is not emulated."""
    line = re.sub(r"http://10\.77\.\d+\.1:\d+", "http://models.example", line)
    line = re.sub(r"10\.77\.\d+\.\d+", "192.168.1.20", line)
    line = re.sub(r"\b[0-9a-f]{64}\b", "<sha256>", line)
    line = re.sub(r"\b([0-9a-f]{12})(?=[0-9a-f]*\b)[0-9a-f]*\b", "<sha256>", line)
    line = re.sub(r"\bprocess \d+\b", "process 1234", line)
    line = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?( ?UTC|Z|\+00:00)?", "<time>", line)
    line = re.sub(r"\d+ are free; next: free \d+ bytes", "500000 are free; next: free 4000000 bytes", line)
    # Which of the two ends a silent connection, the socket's limit or the watch's, is a matter of milliseconds.
    line = re.sub(r": 0 bytes in \d+ s; at least 512 a second are expected", ": no answer (Read timed out.)", line)
    line = re.sub(r"\d+ bytes in 2\d s", "400 bytes in 20 s", line)
    return line.replace("/home/pi/.sepia/ship/", "")


SHIP_PAGE = FaultPage(
    Path(__file__).parents[2] / "docs" / "reference" / "ship-faults.md", ROWS, _HEAD, ("kitchen: ",), _settled
)
