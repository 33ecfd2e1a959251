"""`sepia devices`: what is printed, what is JSON, and the exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sepia.cli import main as front
from sepia.devices.facts import BoardFacts
from sepia.devices.inventory import Inventory
from sepia.devices.provision import Installed, Removed
from support.arm_board import ArmBoard

PI4 = BoardFacts(
    "aarch64", 64, "bookworm64", "2.36", "3.11.2", "/usr/bin/python3", "/home/pi", "pi", 4, 2**30, 2**30,
    model="Raspberry Pi 4 Model B Rev 1.4",
)  # fmt: skip

Said = tuple[int, str, str]
Sepia = Callable[..., Said]


@pytest.fixture
def sepia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Sepia:
    """`sepia(*words)`: exit code, stdout and stderr of `sepia devices`, with an inventory of the test's own."""
    monkeypatch.setenv("SEPIA_CONFIG", str(tmp_path / "config"))

    def run(*words: str) -> Said:
        with pytest.raises(SystemExit) as left:
            front(["devices", *words])
        said = capfd.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


def result(said: Said, code: int = 0) -> Any:
    assert said[0] == code, said[2]
    return json.loads(said[1])


def test_a_board_is_added_listed_shown_and_removed(sepia: Sepia) -> None:
    code, out, _ = sepia("add", "kitchen", "pi4@pi@pi4.local")
    assert code == 0
    assert out.endswith("boards.toml; next: sepia devices probe kitchen\n")
    assert sepia("add", "shed", "pi@shed")[0] == 0
    _, listing, _ = sepia("list")
    assert listing.splitlines()[:3] == [
        "your board  destination   kind",
        "kitchen     pi@pi4.local  pi4",
        "shed        pi@shed       not said",
    ]
    assert result(sepia("list", "--json"))["boards"] == {
        "kitchen": {"destination": "pi@pi4.local", "profile": "pi4"},
        "shed": {"destination": "pi@shed", "profile": None},
    }
    assert sepia("show", "kitchen")[1].startswith("kitchen: at pi@pi4.local\npi4: Raspberry Pi 4 Model B (BCM2711)\n")
    assert sepia("show", "shed")[1] == "shed: at pi@shed\nwhat kind of board it is: sepia devices probe shed\n"
    assert sepia("remove", "kitchen") == (0, "kitchen is forgotten; it was not touched\n", "")
    assert list(Inventory().boards()) == ["shed"]


def test_without_a_board_the_listing_says_how_to_add_one(sepia: Sepia) -> None:
    code, listing, _ = sepia("list")
    assert (code, listing.splitlines()[0]) == (
        0,
        "no board of yours yet; add one: sepia devices add NAME PROFILE@DESTINATION",
    )
    assert {line.split()[0] for line in listing.splitlines()[3:]} >= {"pizero", "pizero2w", "pi3bplus", "pi4", "pi5"}


def test_a_profile_says_where_each_number_is_from_and_what_runs_there(sepia: Sepia) -> None:
    lines = sepia("show", "pi5")[1].splitlines()
    (cores,) = [line for line in lines if line.startswith("cores ")]
    assert "4 × Cortex-A76 at 2400 MHz" in cores
    pages = dict(line.split(" ", 1) for line in lines if line.startswith("["))
    assert pages[cores.split()[-1]].endswith("processors/bcm2712.adoc")
    (trixie,) = [line for line in lines if line.startswith("trixie64")]
    assert trixie.split()[-3:] == ["onnxruntime,", "litert,", "openvino"]
    assert "none: no runtime has a wheel for ARMv6; nearest: " in sepia("show", "pizero")[1]
    shown = result(sepia("show", "pi5", "--json"))
    assert shown["board"] is None
    assert shown["profile"]["midr"]["part"] == 0xD0B


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "pi44"), "pi44: is neither a board of yours nor a kind of board; accepted: did you mean pi4"),
        (("remove", "kitchen"), "kitchen: no such board"),
        (("add", "kit-chen", "pi4@x"), "a board can't be called 'kit-chen'"),
        (("add", "kitchen", "pi4@emulator"), "needs no name of its own"),
        (("probe",), "no board; name one, or say --all"),
        (("probe", "--all"), "no board; sepia devices add NAME PROFILE@DESTINATION"),
        (("probe", "kitchen"), "no board is called 'kitchen'"),
        (("probe", "host", "--transfer", "0"), "--transfer"),
        (("emulate", "pi4@pi4.local"), "'pi4@pi4.local' is no kind of board"),
        (("emulate", "pi5-bookworm32"), "pi5: has no system 'bookworm32'"),
    ],
)
def test_a_users_error_is_one_line(words: tuple[str, ...], says: str, sepia: Sepia) -> None:
    code, out, err = sepia(*words)
    assert (code, out) == (1, "")
    assert says in err
    assert len(err.splitlines()) == 1


def test_one_board_that_fails_does_not_stop_the_others(sepia: Sepia) -> None:
    rows = result(sepia("probe", "host", "pi4@nobody.invalid", "--transfer", "0.1", "--json"), code=1)
    assert [row["board"] for row in rows] == ["host", "pi4@nobody.invalid"]
    assert rows[0]["transfer"]["bytes"] == 100_000
    assert rows[0]["facts"]["bits"] == 64
    assert rows[1]["failure"].startswith("pi4@nobody.invalid: ")
    code, out, _ = sepia("probe", "host", "pi4@nobody.invalid")
    assert code == 1
    assert [line.split()[0] for line in out.splitlines()] == ["board", "host", "failed:"]


def test_a_board_that_is_another_kind_says_so(sepia: Sepia, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = replace(PI4, model="Raspberry Pi 5 Model B Rev 1.0")
    monkeypatch.setattr("sepia.devices.probe.probe", lambda _: facts)
    Inventory().add("kitchen", "nowhere", "pi4")
    (row,) = result(sepia("probe", "--all", "--json"))
    assert row["profile"] == "pi5"
    assert row["notes"] == [
        "you said it is a Raspberry Pi 4 Model B, and it says it is a Raspberry Pi 5 Model B Rev 1.0"
    ]
    assert f"kitchen: {row['notes'][0]}\n" in sepia("probe", "--all")[1]


def test_provisioning_says_what_was_sent_and_what_cannot_be(sepia: Sepia, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[tuple[str, ...], bool]] = []

    def put(_: object, facts: BoardFacts, runtimes: Sequence[str], *, verify: bool) -> dict[str, Installed]:
        asked.append((tuple(runtimes), verify))
        sent = {"litert": True, "onnxruntime": False}
        return {
            name: Installed(name, "2.3.0", "/home/pi/.sepia/x", {}, 5_000_000, 7, pushed=sent[name])
            for name in runtimes
            if name in sent
        }

    monkeypatch.setattr("sepia.devices.probe.probe", lambda _: PI4)
    monkeypatch.setattr("sepia.devices.provision.provision", put)
    monkeypatch.setattr("sepia.devices.provision.remove", lambda _: Removed(2_500_000, 9))
    assert sepia("provision", "host", "--verify")[:2] == (
        0,
        "host: onnxruntime 2.3.0, is there already\nhost: litert 2.3.0, 7 files, 5.0 MB sent\n",
    )
    sepia("provision", "host", "--runtime", "litert")
    assert asked == [(("onnxruntime", "litert", "tflite-runtime", "openvino"), True), (("litert",), False)]
    assert sepia("provision", "host", "--remove")[:2] == (0, "host: 9 files, 2.5 MB taken away\n")

    monkeypatch.setattr("sepia.devices.probe.probe", lambda _: replace(PI4, machine="armv7l", bits=32))
    code, out, _ = sepia("provision", "host", "--runtime", "litert")
    assert (code, out.startswith("failed: host: litert has no wheel for 32-bit ARM; accepted: here: tflite")) == (
        1,
        True,
    )
    monkeypatch.setattr("sepia.devices.probe.probe", lambda _: replace(PI4, machine="armv6l", bits=32))
    code, out, _ = sepia("provision", "host")
    assert (code, out.startswith("failed: host: no runtime has a wheel for ARMv6; accepted: ")) == (1, True)
    assert len(asked) == 2


def test_three_boards_at_once(
    sepia: Sepia,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arm64_board: ArmBoard,
    armhf_board: ArmBoard,
    armel_board: ArmBoard,
) -> None:
    boards = {"pi4": arm64_board, "pi3bplus": armhf_board, "pizero": armel_board}
    together = tmp_path / "ssh_config"
    together.write_text("".join(f"Include {board.ssh_config}\n" for board in boards.values()))
    monkeypatch.setenv("SEPIA_SSH_CONFIG", str(together))
    for name, board in boards.items():
        assert sepia("add", name, f"{name}@{board.destination}")[0] == 0
    rows = result(sepia("probe", "--all", "--transfer", "0.2", "--json"))
    assert {row["board"]: (row["facts"]["machine"], row["transfer"]["bytes"]) for row in rows} == {
        "pi4": ("aarch64", 200_000),
        "pi3bplus": ("armv7l", 200_000),
        "pizero": ("armv6l", 200_000),
    }
    assert [row["runtimes"] for row in rows][1:] == [["tflite-runtime"], []]
    assert "no runtime has a wheel for ARMv6" in rows[2]["notes"][0]
