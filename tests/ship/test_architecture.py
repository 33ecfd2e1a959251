"""A program is built for the processor of the board that the target names, not for what its system's name suggests."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
from sepia.devices.target import Target
from sepia.errors import ConfigError
from sepia.ship.architecture import architecture_of


def _of(board: str, system: str) -> str:
    return architecture_of(Target(board, system, "litert", 1))


@pytest.mark.parametrize(
    ("board", "system", "architecture"),
    [
        ("pizero", "bookworm32", "armv6l"),
        ("pizero.emulator", "bookworm32", "armv6l"),
        ("pi4", "bookworm32", "armv7l"),
        ("pi4", "bookworm64", "aarch64"),
        ("unlisted", "trixie64", "aarch64"),
    ],
)
def test_the_board_decides(board: str, system: str, architecture: str) -> None:
    assert _of(board, system) == architecture


def test_a_board_of_the_inventory_has_its_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sepia.devices.inventory import Inventory

    monkeypatch.setenv("SEPIA_CONFIG", str(tmp_path))
    Inventory().add("kitchen", "pi@kitchen.local", profile="pizero")
    assert _of("kitchen", "bookworm32") == "armv6l"


def test_this_machine_is_itself() -> None:
    assert _of("host", "debian12") == platform.machine()


def test_what_is_not_known_is_told() -> None:
    with pytest.raises(ConfigError, match="neither the board 'x' nor the system 'y' is known"):
        _of("x", "y")
    with pytest.raises(ConfigError, match="pi4: has no system 'y'"):
        _of("pi4", "y")
