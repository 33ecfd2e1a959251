"""`sepia …` as a user of emulated boards has it: a process, an inventory of his own, and the boards' keys known."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.arm_board import ArmBoard

__all__ = ["BoardCommands"]


class BoardCommands:
    """folder: of the test; commands run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ssh = folder / "ssh_config"

    def add(self, name: str, board: ArmBoard, kind: str | None = None) -> None:
        """Call a board `name`. kind: of the board's profile."""
        with self._ssh.open("a", encoding="utf-8") as file:
            # Each board's own file speaks of its own address alone.
            file.write(f"Include {board.ssh_config}\n")
        place = f"{kind}@{board.destination}" if kind else board.destination
        assert self.run("devices", "add", name, place).returncode == 0

    def run(self, *words: object, timeout: float = 500) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*words), timeout=timeout, **self._options())

    def start(self, *words: object) -> subprocess.Popen[str]:
        """In a session of its own, to be interrupted."""
        options = self._options()
        del options["check"], options["capture_output"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(self.command(*words), start_new_session=True, **options, **pipes)

    def rows(self, *words: object, code: int = 0, timeout: float = 500) -> list[dict[str, Any]]:
        """What it printed with --json. code: that it must end with."""
        done = self.run(*words, "--json", timeout=timeout)
        assert done.returncode == code, done.stdout + done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    def command(self, *words: object) -> list[str]:
        return [sys.executable, "-m", "sepia", *map(str, words)]

    def _options(self) -> dict[str, Any]:
        own = {"COLUMNS": "200", "SEPIA_SSH_CONFIG": str(self._ssh), "SEPIA_CONFIG": str(self.folder / "config")}
        return {"cwd": self.folder, "capture_output": True, "text": True, "check": False, "env": os.environ | own}
