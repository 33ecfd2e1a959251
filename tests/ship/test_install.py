"""The agent onto this machine as a board: whole, once, and with what it follows."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from sepia.devices.probe import probe
from sepia.errors import BoardError, ConfigError
from sepia.ship import install as room
from sepia.ship.agent.config import Followed, read_config
from sepia.ship.install import Order, install, uninstall
from sepia.ship.status import status
from sepia.ship.trust import read_trust
from support.here_board import HereBoard, installed
from support.tuf_story import Story

MODULE = sys.modules["sepia.ship.install"]


def test_it_is_whole_and_speaks(board: HereBoard, home: Path, story: Story) -> None:
    done = installed(board, story, keep=4, health=("true",))
    ship = home / ".sepia" / "ship"
    assert done.root == str(ship)
    assert (ship / "agent").readlink() == Path("agents") / done.agent
    assert (ship / "trust" / "root.json").read_bytes() == story.root.read_bytes()
    config = read_config(ship / "config.json")
    assert config.board == "kitchen"
    assert config.models == {"lite0": Followed(story.target, "stable", 4, ("true",))}
    assert config.runtimes["native"].python == probe(board).python_path
    assert (done.placed, done.models, done.runtime) == ("none", ("lite0",), "")
    assert done.notes[-1] == "it has no repository to pull from: it takes what is pushed"
    assert status(board)["models"]["lite0"]["version"] is None


def test_a_second_time_sends_nothing(board: HereBoard, story: Story) -> None:
    first = installed(board, story)
    assert first.sent == first.bytes > 100_000
    assert installed(board, story).sent == 0


def test_another_model_is_added_and_its_own_is_changed(board: HereBoard, home: Path, story: Story) -> None:
    installed(board, story)
    trust = read_trust(story.repository)
    more = Order("pantry", "other", Followed(story.target, "beta"), trust, repository="https://models.example")
    assert install(board, more).models == ("lite0", "other")
    installed(board, story, keep=7)
    config = read_config(home / ".sepia/ship/config.json")
    assert config.models["lite0"].keep == 7
    assert config.models["other"].channel == "beta"
    assert config.repository == "https://models.example"  # what is not said again stays


def test_another_root_is_told(board: HereBoard, home: Path, story: Story) -> None:
    installed(board, story)
    story.forger.edit("root", lambda root: None)
    assert "it trusted another root before; it was replaced" in installed(board, story).notes
    assert (home / ".sepia/ship/trust/root.json").read_bytes() == read_trust(story.repository).root


def test_a_configuration_that_is_none(board: HereBoard, home: Path, story: Story) -> None:
    installed(board, story)
    (home / ".sepia/ship/config.json").write_text('{"schema": 1, "board": "x", "odd": 1}')
    with pytest.raises(BoardError, match=r"^kitchen: its config\.json 'odd' is unknown; next: .* --remove"):
        installed(board, story)


def test_changed_by_another_meanwhile(
    board: HereBoard, home: Path, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(board, story)
    config = home / ".sepia/ship/config.json"
    original = MODULE._config

    def and_another(*arguments: object) -> object:
        config.write_text(config.read_text() + "\n")
        return original(*arguments)

    monkeypatch.setattr(MODULE, "_config", and_another)
    with pytest.raises(BoardError, match="its configuration was changed meanwhile; next: run the same command again"):
        installed(board, story, keep=9)
    assert read_config(config).models["lite0"].keep == 3


def test_for_another_processor(board: HereBoard, home: Path, story: Story) -> None:
    order = Order("kitchen", "lite0", Followed("pizero-bookworm32-native-t1"), read_trust(story.repository))
    message = r"^kitchen: 'pizero-bookworm32-native-t1' is built for armv6l, and its programs are for x86_64; accepted"
    with pytest.raises(BoardError, match=message):
        install(board, order)
    assert not (home / ".sepia").exists()


def test_taken_away(board: HereBoard, home: Path, story: Story) -> None:
    done = installed(board, story)
    gone = uninstall(board)
    assert gone.bytes > done.bytes
    assert not (home / ".sepia").exists()


def test_a_root_elsewhere_is_not_removed(board: HereBoard, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^--root: '/srv/ship' is not inside ~/\.sepia/"):
        uninstall(board, "/srv/ship")


def test_an_emulated_core_starts_its_children_through_its_emulator(
    board: HereBoard, home: Path, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "EmulatorTransport", HereBoard)
    monkeypatch.setattr(HereBoard, "emulator", ("qemu-aarch64", "-L", "/root"), raising=False)
    installed(board, story)
    told = json.loads((home / ".sepia/ship/config.json").read_text())
    assert told["run_with"] == ["qemu-aarch64", "-L", "/root"]
