"""Faults that a user meets in asking a board what it is: each ends in one line, and the next probe works."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest
from sepia.devices.facts import BoardFacts
from sepia.devices.probe import notes, probe
from sepia.devices.transport.ssh import SSHTransport
from sepia.devices.wheels import runtimes_of
from sepia.errors import BoardError
from support.arm_board import ArmBoard
from support.arm_root import arm_root
from support.faults import FAULTS, PAGE, Saw, read_page

MakeBoard = Callable[..., ArmBoard]


def probed(board: ArmBoard, **options: float) -> BoardFacts:
    """What a new connection says."""
    with SSHTransport(board.destination, name="kitchen", config=board.ssh_config, **options) as transport:
        return probe(transport)


def refused(board: ArmBoard, **options: float) -> str:
    with pytest.raises(BoardError) as caught:
        probed(board, **options)
    return str(caught.value)


def test_the_page_has_each_fault_once_and_no_other() -> None:
    assert list(read_page()) == list(FAULTS), f"run pytest --regen, with the slow tests, and read {PAGE}"


def test_unknown_host(arm64_board: ArmBoard, saw: Saw) -> None:
    with (
        SSHTransport("pi@no-such-board.invalid", name="kitchen", config=arm64_board.ssh_config) as transport,
        pytest.raises(BoardError) as caught,
    ):
        probe(transport)
    saw("unknown host", str(caught.value))


def test_board_off(arm_board: MakeBoard, saw: Saw) -> None:
    board = arm_board("pi4")
    board.kill_power()
    saw("board off, or not in this network", refused(board, connect_deadline=3.0))
    board.start()
    assert probed(board).machine == "aarch64"


def test_host_keys(arm_board: MakeBoard, saw: Saw) -> None:
    board = arm_board("pi4")
    known = board.known_hosts.read_text(encoding="utf-8")
    board.known_hosts.write_text("", encoding="utf-8")
    saw("unknown host key", refused(board))
    assert board.known_hosts.read_text(encoding="utf-8") == "", "a host key was accepted for the user"

    board.known_hosts.write_text(known, encoding="utf-8")
    board.change_host_key()
    saw("changed host key", refused(board))
    assert board.known_hosts.read_text(encoding="utf-8") == known

    new = (board.folder / "changed_key.pub").read_text(encoding="utf-8").split()[:2]
    board.known_hosts.write_text(f"{board.address} {' '.join(new)}\n", encoding="utf-8")
    assert probed(board).machine == "aarch64"


def test_refused_login(arm_board: MakeBoard, saw: Saw) -> None:
    board = arm_board("pi4")
    board.refuse_login()
    saw("refused login", refused(board))


def test_no_python(arm_board: MakeBoard, saw: Saw) -> None:
    board = arm_board("pi4")
    board.without_python()
    saw("no Python on the board", refused(board))
    board.reset()
    assert probed(board).python.startswith("3.11.")


def test_too_old_a_system(arm_board: MakeBoard, saw: Saw) -> None:
    """Debian 11, 32 bit: the probe works, and the one runtime of 32-bit boards is refused with the reason."""
    facts = probed(arm_board("pi3bplus", roots=[arm_root("armhf", "bullseye")]))
    assert (facts.libc, facts.python[:4], facts.bits) == ("2.31", "3.9.", 32)
    assert runtimes_of(facts) == ()
    (note,) = (note for note in notes(facts) if "runtime" in note)
    saw("too old a Python on the board", f"kitchen: {note}")


def test_too_old_a_libc(arm64_board: ArmBoard, saw: Saw) -> None:
    """No mirror has a Debian with so old a libc any more: the facts of a real probe say that it is Debian 9's."""
    facts = replace(probed(arm64_board), libc="2.24")
    assert runtimes_of(facts) == ()
    (note,) = (note for note in notes(facts) if "runtime" in note)
    saw("too old a libc on the board", f"kitchen: {note}")


def test_armv6(armel_board: ArmBoard, saw: Saw) -> None:
    facts = probed(armel_board)
    assert (facts.machine, facts.bits, facts.core) == ("armv6l", 32, "ARM1176")
    assert runtimes_of(facts) == ()
    (note,) = notes(facts)
    saw("ARMv6 board", f"kitchen: {note}")


def test_programs_for_a_newer_processor(arm_board: MakeBoard, saw: Saw) -> None:
    """Debian's armhf is for ARMv7: such a Python on a Pi Zero ends with SIGILL before it says a word."""
    board = arm_board("pizero", roots=[arm_root("armel"), arm_root("armhf")])
    shutil.copy2(arm_root("armhf") / "usr/bin/python3.11", board.path("/usr/bin/python3.11"))
    saw("programs for a newer processor (ARMv7 on ARMv6)", refused(board))


def test_clock_years_off(arm_board: MakeBoard, saw: Saw) -> None:
    board = arm_board("pi4")
    board.clock(-2000)
    facts = probed(board)
    assert facts.clock_skew_s == pytest.approx(-2000 * 86400, abs=600)
    (note,) = notes(facts)
    saw("clock years off", f"kitchen: {note}")


def test_a_board_that_throttles_says_so(arm_board: MakeBoard) -> None:
    board = arm_board("pi4")
    board.vcgencmd("throttled=0x50005")
    facts = probed(board)
    assert facts.throttled == ("under-voltage", "throttled")
    assert "under-voltage, throttled just now" in " ".join(notes(facts))
