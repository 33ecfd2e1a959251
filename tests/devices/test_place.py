"""Places: every form of the grammar, and what is wrong with every other."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.devices.inventory import Inventory
from sepia.devices.place import parse_place, split_place
from sepia.devices.target import host
from sepia.errors import ConfigError


@pytest.fixture(autouse=True)
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inventory:
    monkeypatch.setenv("SEPIA_CONFIG", str(tmp_path))
    Inventory().add("kitchen", "pi@pi4.local", "pi4")
    Inventory().add("shed.2", "ssh://pi@shed:2222")
    return Inventory()


@pytest.mark.parametrize(
    ("text", "kind", "label", "profile", "destination", "system", "runtime", "threads"),
    [
        ("host", "host", "host", None, None, None, None, None),
        ("kitchen", "ssh", "kitchen", "pi4", "pi@pi4.local", None, None, None),
        ("shed.2", "ssh", "shed.2", None, "ssh://pi@shed:2222", None, None, None),
        ("kitchen-bookworm64-litert-t4", "ssh", "kitchen", "pi4", "pi@pi4.local", "bookworm64", "litert", 4),
        ("pi4@pi4.local", "ssh", "pi4", "pi4", "pi4.local", None, None, None),
        ("pi4@pi@pi4.local", "ssh", "pi4", "pi4", "pi@pi4.local", None, None, None),
        ("pi5@ssh://pi@10.0.0.7:2222", "ssh", "pi5", "pi5", "ssh://pi@10.0.0.7:2222", None, None, None),
        ("pi4-bookworm64-tflite-runtime-t2@a", "ssh", "pi4", "pi4", "a", "bookworm64", "tflite-runtime", 2),
        ("pi4-bookworm64-t2@a-b.c", "ssh", "pi4", "pi4", "a-b.c", "bookworm64", None, 2),
        ("pi4@emulator", "emulator", "pi4.emulator", "pi4", None, None, None, None),
        ("pi4-bookworm32@emulator", "emulator", "pi4.emulator", "pi4", None, "bookworm32", None, None),
        ("pi5-trixie64-litert-t1@emulator", "emulator", "pi5.emulator", "pi5", None, "trixie64", "litert", 1),
        ("pi4.emulator-bookworm64-litert-t1", "emulator", "pi4.emulator", "pi4", None, "bookworm64", "litert", 1),
    ],
)
def test_a_place(
    text: str,
    kind: str,
    label: str,
    profile: str | None,
    destination: str | None,
    system: str | None,
    runtime: str | None,
    threads: int | None,
) -> None:
    place = parse_place(text)
    told = None if place.profile is None else place.profile.name
    assert (place.kind, place.label, told, place.destination) == (kind, label, profile, destination)
    assert (place.system, place.runtime, place.threads, place.text) == (system, runtime, threads, text)


def test_this_machine_by_the_name_of_a_target() -> None:
    place = parse_place(host("tflite-runtime", 3).name)
    assert (place.kind, place.runtime, place.threads) == ("host", "tflite-runtime", 3)
    with pytest.raises(ConfigError, match=r"'host-other9-litert-t1' is not this machine; accepted: host, or host-"):
        parse_place("host-other9-litert-t1")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kitchn", r"no board is called 'kitchn'; accepted: did you mean kitchen\?; host, a name of"),
        ("pi4", "'pi4' is a kind of board; next: say where it is: pi4@DESTINATION or pi4@emulator"),
        (
            "pi@pi4.local",
            "no kind of board is called 'pi'; .*next: put it before the destination, like pi4@pi@pi4.local",
        ),
        ("pi44@emulator", r"no board 'pi44'; accepted: did you mean pi4"),
        ("pi4@", "'' is nothing that ssh can connect to"),
        ("pi4@-oProxyCommand=x", "'-oProxyCommand=x' is nothing that ssh can connect to"),
        ("pi4@a b", "'a b' is nothing that ssh can connect to"),
        ("", "is no place to measure at; accepted: host, "),
        ("Kitchen", "Kitchen: is no place to measure at"),
        ("pi4-@x", "pi4-@x: is no place to measure at"),
        ("pi4-bookworm64-litert-t0@x", "cannot run with 0 threads"),
        ("pi4-bookworm64-tflite@x", "no runtime is called 'tflite'; accepted: did you mean litert or tflite-runtime"),
        ("pi5-bookworm32@emulator", "pi5: has no system 'bookworm32'; accepted: bookworm64, trixie64"),
        ("pi4-bookworm32-litert-t1@emulator", "litert has no wheel for 32-bit ARM; accepted: here: tflite-runtime"),
        ("pizero-bookworm32-litert-t1@emulator", "no runtime has a wheel for ARMv6; accepted: litert on a"),
    ],
)
def test_what_is_no_place(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_place(text)


def test_a_board_may_be_called_like_its_kind(inventory: Inventory) -> None:
    inventory.add("pi4", "pi@shelf", "pi4")
    assert parse_place("pi4").destination == "pi@shelf"
    assert parse_place("pi4@emulator").kind == "emulator"


def test_what_is_written_down_of_a_place() -> None:
    assert split_place("pi4@pi@pi4.local") == ("pi@pi4.local", "pi4")
    assert split_place("pi@pi4.local") == ("pi@pi4.local", None)
    assert split_place("pi4.local") == ("pi4.local", None)
    with pytest.raises(ConfigError, match="needs no name of its own; next: use it as it is: --target pi4@emulator"):
        split_place("pi4@emulator")
    with pytest.raises(ConfigError, match="nothing that ssh can connect to"):
        split_place("pi4@")
