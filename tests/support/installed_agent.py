"""The agent in a folder, as `sepia ship install` leaves it: for a disk that is made before its board is up."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from sepia.devices.facts import BoardFacts
from sepia.ship.agent.config import Config, write_config
from sepia.ship.agent_files import AgentFiles, agent_files

from support.compiled_library import compile_library

__all__ = ["SHIP", "files_for_debian_12", "libraries", "write_agent"]

SHIP = ".sepia/ship"
"""The agent's folder in a home."""


def files_for_debian_12() -> AgentFiles:
    """What is sent to a board with Python 3.11."""
    facts = SimpleNamespace(python="3.11.2", model="Raspberry Pi 4 Model B", machine="aarch64")
    return agent_files(cast(BoardFacts, facts))


def write_agent(home: Path, config: Config, root: bytes) -> Path:
    """The agent's folder below `home`, which follows `config` and trusts `root` (root.json); its path.

    Compiled, as Python leaves it after its first run.
    """
    files = files_for_debian_12()
    ship = home / SHIP
    for name, path in files.files.items():
        into = ship / "agents" / files.name / name
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, into)
    compile_library(ship / "agents" / files.name)
    (ship / "agent").symlink_to(f"agents/{files.name}")
    (ship / "trust").mkdir()
    (ship / "trust" / "root.json").write_bytes(root)
    (ship / "config.json").write_bytes(write_config(config))
    return ship


def libraries(into: Path) -> list[Path]:
    """The agent and its packages of Python, each a folder, copied to `into`."""
    files = files_for_debian_12()
    for name, path in files.files.items():
        copy = into / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return [into / name for name in ("sepia_agent", "tuf", "securesystemslib", "urllib3")]
