"""An emulated board with the agent on it: told to update over SSH, and looked at from outside.

What it holds is judged without the agent (`vm_witness.judged`). After each test it is put back to how it was.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sepia.devices.transport.ssh import SSHTransport
from sepia.ship.agent.config import Config, Followed, write_config

from support.arm_board import ArmBoard
from support.installed_agent import write_agent
from support.tuf_story import Story
from support.vm_witness import judged

__all__ = ["NAME", "Said", "ShipBoard"]

NAME = "kitchen"
_SHIP = "/home/pi/.sepia/ship"
_DEADLINE_S = 240.0


@dataclass(frozen=True)
class Said:
    """How the agent ended. answer: its JSON. lines: what it told people."""

    code: int
    answer: Mapping[str, Any]
    lines: tuple[str, ...]

    @property
    def error(self) -> str:
        """The one line of why it refused; fails if it did not."""
        assert self.code == 1 and self.answer.get("error"), self
        told = str(self.answer["error"])
        hint = self.answer.get("hint")
        return f"{NAME}: {told}" + (f"; next: {hint}" if hint and hint not in told else "")


class ShipBoard:
    """board: up. story: whose repository it trusts, and whose newest version it runs first."""

    def __init__(self, board: ArmBoard, story: Story) -> None:
        self.board, self.story = board, story
        self.followed = Followed(story.target, story.channel)
        made = board.folder / "home"
        write_agent(made, self._config(""), story.root.read_bytes())
        subprocess.run(["chown", "-R", "1000:1000", str(made)], check=True)
        board.inside("cp", "-a", f"{made}/.", board.at("/home/pi"))
        self._saved = board.folder / "saved"

    def url(self, port: int) -> str:
        """An address of this machine, as the board sees it."""
        return f"http://10.77.{self.board.number}.1:{port}/"

    @contextmanager
    def connected(self) -> Iterator[SSHTransport]:
        config = self.board.ssh_config
        with SSHTransport(self.board.destination, name=NAME, config=config, silence=30.0) as transport:
            yield transport

    @property
    def ship(self) -> Path:
        """The agent's folder, seen from here."""
        return self.board.path(_SHIP)

    @property
    def model(self) -> Path:
        return self.ship / "models" / self.story.model

    def follow(self, repository: str, **changes: Any) -> None:
        """Pull from this address. changes: of Followed."""
        (self.ship / "config.json").write_bytes(write_config(self._config(repository, **changes)))

    def _config(self, repository: str, **changes: Any) -> Config:
        return Config(NAME, repository, {self.story.model: replace(self.followed, **changes)})

    def agent(self, *words: str, deadline: float = _DEADLINE_S) -> Said:
        """Run it as its unit does."""
        command = ["python3", "-I", f"{_SHIP}/agent/run.py", "--root", _SHIP, *words]
        with self.connected() as transport:
            ran = transport.run(command, deadline=deadline)
        lines = ran.out.decode().splitlines()
        assert lines, ran
        return Said(ran.code, json.loads(lines[-1]), tuple(ran.err.splitlines()))

    def runs(self) -> str:
        """The version that `current` is; fails if it is not whole."""
        found = judged(self.model / "current")
        assert found["whole"], found
        return str(found["version"])

    def left_over(self) -> list[str]:
        """Names in the model's folder that no finished update leaves."""
        known = {"current", "versions", "state.json", "lock"}
        found = [path.name for path in self.model.iterdir() if path.name not in known]
        incoming = self.model / "incoming"
        if "incoming" in found and not any(incoming.iterdir()):
            found.remove("incoming")
        return found + [path.name for path in (self.ship / "inbox").glob("*")]

    def save(self) -> None:
        """Remember how it is now."""
        shutil.rmtree(self._saved, ignore_errors=True)
        subprocess.run(["cp", "-a", str(self.ship), str(self._saved)], check=True)

    def restore(self) -> None:
        """As it was when it was saved."""
        shutil.rmtree(self.ship)
        self.board.inside("cp", "-a", str(self._saved), self.board.at(_SHIP))
