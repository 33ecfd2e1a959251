"""Probing: what a board's words mean, with canned words, on this machine, and on emulated boards with a real sshd."""

from __future__ import annotations

import ast
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sepia.devices.facts import BoardFacts
from sepia.devices.probe import PROBE_PROGRAM, TRANSFER_PROGRAM, notes, probe, transfer
from sepia.devices.transport.interface import Ran
from sepia.devices.transport.local import LocalTransport
from sepia.devices.transport.ssh import SSHTransport
from sepia.devices.wheels import runtimes_of
from sepia.errors import BoardError
from support.arm_board import ArmBoard

PI4: dict[str, Any] = {
    "machine": "aarch64",
    "bits": 64,
    "release": {"ID": "debian", "VERSION_ID": "12", "VERSION_CODENAME": "bookworm"},
    "libc": "2.36",
    "python": "3.11.2",
    "python_path": "/usr/bin/python3",
    "multiarch": "aarch64-linux-gnu",
    "home": "/home/pi",
    "user": "pi",
    "cores": 4,
    "memory_bytes": 4 * 2**30,
    "disk_free_bytes": 8 * 2**30,
    "parts": [["0x41", "0xd08"]],
    "model_name": "",
    "revision_model": "",
    "model": "Raspberry Pi 4 Model B Rev 1.4",
    "features": ["fp", "asimd", "evtstrm", "crc32", "cpuid"],
    "throttled": 0,
}


class Canned(LocalTransport):
    """A board that answers every program with the same words."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__("kitchen")
        self.answer = dict(answer)

    def run(self, command: Sequence[str], **_: Any) -> Ran:
        return Ran(0, json.dumps({"time": time.time(), **self.answer}).encode(), "", 0.0)


class Spoiling(LocalTransport):
    """This machine behind a link that does something to the bytes."""

    def __init__(self, spoil: Callable[[bytes], bytes]) -> None:
        super().__init__("kitchen")
        self.spoil = spoil

    def run(self, command: Sequence[str], *, stdin: Iterable[bytes] = (), **options: Any) -> Ran:
        head, *payload = list(stdin)
        return super().run(command, stdin=[head, self.spoil(b"".join(payload))], **options)


def told(**changes: Any) -> BoardFacts:
    return probe(Canned(PI4 | changes))


def test_a_pi() -> None:
    facts = told()
    assert facts == BoardFacts(
        machine="aarch64",
        bits=64,
        system="bookworm64",
        libc="2.36",
        python="3.11.2",
        python_path="/usr/bin/python3",
        home="/home/pi",
        user="pi",
        cores=4,
        memory_bytes=4 * 2**30,
        disk_free_bytes=8 * 2**30,
        core="Cortex-A72",
        model="Raspberry Pi 4 Model B Rev 1.4",
        debian_architecture="arm64",
        features=("fp", "asimd", "evtstrm", "crc32", "cpuid"),
        clock_skew_s=0.0,
        throttled=(),
    )
    assert notes(facts) == ()


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"bits": 32, "multiarch": "arm-linux-gnueabihf"}, "system", "bookworm32"),
        ({"bits": 32, "multiarch": "arm-linux-gnueabihf"}, "debian_architecture", "armhf"),
        ({"multiarch": ""}, "debian_architecture", ""),
        ({"release": {"ID": "alpine", "VERSION_ID": "3.19"}}, "system", "alpine3.19.64"),
        ({"release": {"ID": "Arch"}}, "system", "arch64"),
        ({"release": {}}, "system", "linux64"),
        ({"parts": [["0x41", "0xd03"], ["0x41", "0xd08"]]}, "core", "Cortex-A53 + Cortex-A72"),
        ({"parts": [["0x41", "0xfff"]]}, "core", "0xfff"),
        ({"parts": [["0x51", "0xd08"]]}, "core", "0x51:0xd08"),
        ({"parts": [], "model_name": "Intel Xeon"}, "core", "Intel Xeon"),
        ({"parts": []}, "core", ""),
        ({"model": "", "revision_model": "Raspberry Pi Zero W Rev 1.1"}, "model", "Raspberry Pi Zero W Rev 1.1"),
        ({"throttled": None}, "throttled", None),
        ({"throttled": 0x50005}, "throttled", ("under-voltage", "throttled")),
        ({"throttled": 0xF0000}, "throttled", ()),
        ({"throttled": 0xA}, "throttled", ("frequency capped", "soft temperature limit")),
    ],
)
def test_what_a_word_means(changes: dict[str, Any], field: str, value: object) -> None:
    assert getattr(told(**changes), field) == value


def test_a_clock_that_is_years_off_is_noted_and_no_failure() -> None:
    facts = told(time=time.time() - 6 * 365.25 * 86400)
    assert facts.clock_skew_s == pytest.approx(-6 * 365.25 * 86400, abs=5)
    assert notes(facts) == ("its clock is 6.0 years behind; figures are right all the same",)
    assert notes(told(time=time.time() + 7300)) == ("its clock is 2.0 hours ahead; figures are right all the same",)
    assert notes(told(time=time.time() + 200)) == ()


class Slow(Canned):
    """Its answer is half a second on its way."""

    def run(self, command: Sequence[str], **options: Any) -> Ran:
        ran = super().run(command, **options)
        time.sleep(0.5)
        return ran


def test_a_slow_answer_is_no_wrong_clock() -> None:
    assert probe(Slow(PI4)).clock_skew_s == 0.0


def test_a_board_that_no_runtime_has_a_wheel_for_says_why_and_what_would_do() -> None:
    zero = told(machine="armv6l", bits=32, multiarch="arm-linux-gnueabihf")
    (note,) = notes(zero)
    assert "no runtime can be measured on it: no runtime has a wheel for ARMv6; nearest: onnxruntime on a" in note
    (note,) = notes(told(libc=""))
    assert "has wheels for glibc alone, and the libc here is another" in note
    (note,) = notes(told(libc="2.24"))
    assert "needs glibc 2.28 with Python 3.11 on 64-bit ARM, and here is 2.24" in note


def test_a_board_that_is_throttled_now_says_so() -> None:
    (note,) = notes(told(throttled=5))
    assert note.startswith("under-voltage, throttled just now")


def test_a_user_without_a_home_is_refused() -> None:
    with pytest.raises(BoardError, match="kitchen: its user has no home folder; next: log in as"):
        told(home="~")


@pytest.mark.parametrize("program", [PROBE_PROGRAM, TRANSFER_PROGRAM])
def test_a_program_for_boards_is_of_python_3_9_and_stands_alone(program: Path) -> None:
    tree = ast.parse(program.read_text(), feature_version=(3, 9))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert all(node.level == 0 and node.module in ("__future__", "typing") for node in imported)


def test_this_machine() -> None:
    with LocalTransport() as transport:
        facts = probe(transport)
    assert facts.machine == os.uname().machine
    assert facts.home == str(Path.home())
    assert facts.cores == len(os.sched_getaffinity(0))
    assert facts.memory_bytes == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert facts.disk_free_bytes > 0
    assert facts.clock_skew_s == 0.0
    assert facts.features


def test_bytes_are_sent_and_their_digest_is_checked() -> None:
    with LocalTransport() as transport:
        figures = transfer(transport, 1.5)
    assert figures.bytes == 1_500_000
    assert figures.mb_per_s == pytest.approx(1.5 / figures.seconds)
    assert replace(figures, seconds=0.0).mb_per_s == float("inf")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda sent: sent[:-1] + bytes([sent[-1] ^ 1]),
            "kitchen: what came is not what was sent: its digest is another",
        ),
        (lambda sent: sent[:1000], "kitchen: 1000 of 500000 bytes came; next: is the link steady"),
        (lambda _: b"", "kitchen: 0 of 500000 bytes came"),
    ],
)
def test_bytes_that_were_spoilt_on_the_way(spoil: Callable[[bytes], bytes], says: str) -> None:
    with Spoiling(spoil) as transport, pytest.raises(BoardError, match=says):
        transfer(transport, 0.5)


@pytest.mark.parametrize(
    ("fixture", "machine", "debian", "runtimes"),
    [
        ("arm64_board", "aarch64", "arm64", ("onnxruntime", "litert", "tflite-runtime", "openvino")),
        ("armhf_board", "armv7l", "armhf", ("tflite-runtime",)),
        ("armel_board", "armv6l", "armel", ()),
    ],
)
def test_an_emulated_board(
    fixture: str, machine: str, debian: str, runtimes: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    board: ArmBoard = request.getfixturevalue(fixture)
    with SSHTransport(board.destination, name="kitchen", config=board.ssh_config) as transport:
        facts = probe(transport)
        assert transfer(transport, 0.5).bytes == 500_000
    assert (facts.machine, facts.debian_architecture, facts.user) == (machine, debian, "pi")
    assert (facts.libc, facts.python, facts.home) == ("2.36", "3.11.2", "/home/pi")
    assert facts.system == ("bookworm64" if machine == "aarch64" else "bookworm32")
    assert facts.model == board.model.title
    assert runtimes_of(facts) == runtimes
    assert bool(notes(facts)) == (machine == "armv6l")


def test_a_board_that_is_throttled(arm_board: Callable[..., ArmBoard]) -> None:
    board = arm_board("pi4")
    board.vcgencmd("throttled=0x50005")
    with SSHTransport(board.destination, name="kitchen", config=board.ssh_config) as transport:
        assert probe(transport).throttled == ("under-voltage", "throttled")


def test_a_board_whose_clock_is_years_off(arm_board: Callable[..., ArmBoard]) -> None:
    board = arm_board("pi4")
    board.clock(-2000)
    with SSHTransport(board.destination, name="kitchen", config=board.ssh_config) as transport:
        facts = probe(transport)
    assert facts.clock_skew_s == pytest.approx(-2000 * 86400, abs=300)
    assert notes(facts)[0] == "its clock is 5.5 years behind; figures are right all the same"


def test_a_board_without_python(arm_board: Callable[..., ArmBoard]) -> None:
    board = arm_board("pi4")
    board.without_python()
    with (
        SSHTransport(board.destination, name="kitchen", config=board.ssh_config) as transport,
        pytest.raises(BoardError, match="kitchen: has no Python: 'python3' was not found; next: install it there"),
    ):
        probe(transport)
