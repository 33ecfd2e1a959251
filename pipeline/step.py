"""One step of a run, and how it is known that it need not be done again.

A step is done when its record says so: the same key (its settings, the digests of its inputs, the versions of the code
that it runs) and outputs that still have the digests they were written with. A record is written after the outputs, so
a run that is stopped anywhere repeats the step it was in, and no other.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError, OutputError
from ..files import digest, write_text

__all__ = ["Outcome", "Step", "perform"]

RECORDS = ".steps"
"""Sub-folder of a model's folder with one JSON record a step."""


@dataclass(frozen=True)
class Step:
    """Reads files, writes files.

    name: unique in its folder; names the record. action: does the work; what it returns is not used. inputs, outputs:
    files (an input may be a folder: every file below it counts). settings: JSON-able, whatever else decides the result.
    versions: name → version of the code and libraries that it runs.
    """

    name: str
    folder: Path
    action: Callable[[], object]
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def record(self) -> Path:
        return self.folder / RECORDS / f"{self.name}.json"

    def key(self) -> str:
        """Digest of everything that decides the outputs. Raises InputError where an input is missing."""
        said = {
            "inputs": {str(path): _content(path) for path in self.inputs},
            "settings": dict(self.settings),
            "versions": dict(self.versions),
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()

    def done(self) -> bool:
        """Whether the record matches the present inputs and the present outputs."""
        try:
            record = json.loads(self.record.read_text(encoding="utf-8"))
            outputs = record["outputs"]
            return bool(
                record["key"] == self.key()
                and set(outputs) == {path.name for path in self.outputs}
                and all(digest(path) == outputs[path.name] for path in self.outputs)
            )
        except (OSError, ValueError, KeyError, TypeError, InputError):
            return False


@dataclass(frozen=True)
class Outcome:
    """What became of a step. seconds: of its work; 0 when skipped."""

    step: str
    folder: Path
    skipped: bool
    seconds: float


def perform(step: Step) -> Outcome:
    """Do a step unless it is done. Raises what its action raises; then no record is left."""
    if step.done():
        return Outcome(step.name, step.folder, skipped=True, seconds=0.0)
    started = time.perf_counter()
    key = step.key()
    step.record.unlink(missing_ok=True)
    step.action()
    for path in step.outputs:
        if not path.is_file():
            raise OutputError(str(path), f"step '{step.name}' ended without it", hint="run the command again")
    record = {"key": key, "outputs": {path.name: digest(path) for path in step.outputs}}
    write_text(step.record, json.dumps(record, indent=1) + "\n")
    return Outcome(step.name, step.folder, skipped=False, seconds=time.perf_counter() - started)


def _content(path: Path) -> Any:
    """Digest of a file, or of each file below a folder by its relative name."""
    if path.is_dir():
        return {str(file.relative_to(path)): digest(file) for file in _below(path)}
    if not path.is_file():
        raise InputError(str(path), "no such file or folder")
    return digest(path)


def _below(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
