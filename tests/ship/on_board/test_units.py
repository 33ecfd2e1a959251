"""Whose systemd runs the agent, and what the operator is told where none can."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.ship.on_board import units

SYSTEM = {"sepia-ship.service": "of the system", "sepia-ship.timer": "timer"}
USER = {"sepia-ship.service": "of the user", "sepia-ship.timer": "timer"}
ENABLE = ["sepia-ship.timer"]


class Machine:
    """What a board's commands would do. refuses: beginnings of commands that fail."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []
        self.refuses: tuple[str, ...] = ()

    def run(self, words: list[str], environment: dict[str, str] | None = None) -> None:
        if " ".join(words).startswith(self.refuses):
            raise units.Failed(f"{words[0]}: no")
        self.ran.append(words)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine()
    (tmp_path / "booted").mkdir()
    monkeypatch.setattr(units, "run", found.run)
    monkeypatch.setattr(units, "BOOTED", tmp_path / "booted")
    monkeypatch.setattr(units, "SYSTEM", tmp_path / "etc")
    monkeypatch.setattr(units.os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return found


def place(root: Path) -> dict[str, object]:
    return units.place(root, SYSTEM, USER, ENABLE)


def test_of_the_system_where_sudo_asks_nothing(machine: Machine, tmp_path: Path) -> None:
    assert place(tmp_path)["placed"] == "system"
    files = [str(tmp_path / "units" / name) for name in SYSTEM]
    assert machine.ran == [
        ["sudo", "-n", "true"],
        ["sudo", "-n", "install", "-m", "644", *files, str(tmp_path / "etc")],
        ["sudo", "-n", "systemctl", "daemon-reload"],
        ["sudo", "-n", "systemctl", "enable", "sepia-ship.timer"],
        ["sudo", "-n", "systemctl", "restart", "sepia-ship.timer"],
    ]
    assert (tmp_path / "units" / "sepia-ship.service").read_text() == "of the system"


def test_root_needs_no_sudo(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units.os, "geteuid", lambda: 0)
    assert place(tmp_path)["placed"] == "system"
    assert not any("sudo" in words for words in machine.ran)


def test_of_the_user_where_sudo_asks(machine: Machine, tmp_path: Path) -> None:
    machine.refuses = ("sudo",)
    told = place(tmp_path)
    assert (told["placed"], told["why"], told["commands"]) == ("user", "sudo asks for a password", [])
    assert (tmp_path / "config/systemd/user/sepia-ship.service").read_text() == "of the user"
    assert machine.ran[0][:2] == ["loginctl", "enable-linger"]
    assert all(words[:2] == ["systemctl", "--user"] for words in machine.ran[1:])


def test_else_the_commands_to_type(machine: Machine, tmp_path: Path) -> None:
    machine.refuses = ("sudo", "loginctl")
    told = place(tmp_path)
    assert told["placed"] == "none"
    assert "sudo asks for a password" in str(told["why"])
    commands = told["commands"]
    assert isinstance(commands, list)
    assert commands[0].startswith(f"sudo install -m 644 {tmp_path}/units/sepia-ship.service")
    assert commands[-1] == "sudo systemctl restart sepia-ship.timer"
    assert not list((tmp_path / "config/systemd/user").iterdir())


def test_no_systemd(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "BOOTED", tmp_path / "nothing")
    assert place(tmp_path) == {"placed": "none", "why": "it has no systemd", "commands": []}
    assert machine.ran == []


def test_taken_away(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "sepia-ship.timer").write_text("timer")
    assert units.take_away(tmp_path, list(SYSTEM), ENABLE)["placed"] == "none"
    assert ["sudo", "-n", "systemctl", "disable", "--now", "sepia-ship.timer"] in machine.ran
    machine.refuses = ("sudo",)
    told = units.take_away(tmp_path, list(SYSTEM), ENABLE)
    assert told["placed"] == "system"
    assert told["commands"][0] == "sudo systemctl disable --now sepia-ship.timer"
