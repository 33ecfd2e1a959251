"""What every road tells the driver: when it stood where, on the clock that all processes share."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

__all__ = ["Stopwatch"]


class Stopwatch:
    """Marks on CLOCK_MONOTONIC, in seconds: the driver knows when it started the process on the same clock."""

    def __init__(self) -> None:
        self.marks: dict[str, float] = {}

    def mark(self, name: str) -> None:
        self.marks[name] = time.monotonic()

    def write(self, folder: Path, *, files: Mapping[str, Path], packages: list[str]) -> None:
        """Leave `road.json` in `folder`: marks, the int8 files made (suffix → name), versions of the packages."""
        versions = {name: metadata.version(name) for name in packages}
        made = {suffix: path.name for suffix, path in files.items()}
        told = {"marks": self.marks, "files": made, "versions": versions}
        (folder / "road.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
