"""This machine as a board without systemd, with an agent whose packages are those of the tests' own Python."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from sepia.devices.transport.local import LocalTransport
from sepia.ship import agent_files as of_agent
from sepia.ship.agent.config import Followed
from sepia.ship.install import Installed, Order, install
from sepia.ship.trust import read_trust

from support.tuf_story import Story

__all__ = ["MODEL", "TARGET", "HereBoard", "here_board", "installed", "story_here"]

MODEL, TARGET = "lite0", "host-debian12-native-t1"
WRONG = "tr '\\000-\\377' '\\001-\\377\\000'"
"""A network that is wrong in each value."""


class HereBoard(LocalTransport):
    """Said to be emulated, so that nothing is asked of this machine's systemd."""

    how: Literal["emulated"] = "emulated"  # type: ignore[assignment]


def here_board(home: Path, monkeypatch: pytest.MonkeyPatch) -> HereBoard:
    """home: of its user, an empty folder."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(of_agent, "_packages", lambda python, cache: {})
    return HereBoard("kitchen")


def story_here(folder: Path, **options: object) -> Story:
    """A repository with bundles for this machine."""
    return Story(folder, model=MODEL, target=TARGET, **options)  # type: ignore[arg-type]


def installed(board: HereBoard, story: Story, **changes: object) -> Installed:
    """changes: of Followed."""
    followed = Followed(story.target, story.channel, **changes)  # type: ignore[arg-type]
    return install(board, Order(board.name, story.model, followed, read_trust(story.repository)))
