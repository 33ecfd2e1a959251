"""One cell of a board's table, a file on a runtime with so many threads: run there, and told as a row."""

from __future__ import annotations

import getpass
import hashlib
import json
import platform
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..check.model_facts import model_facts
from ..check.model_folder import Artifact, ModelFolder
from ..check.sample_inputs import sample_inputs
from ..devices.emulator.counts import fewest
from ..devices.emulator.transport import EmulatorTransport
from ..devices.facts import BoardFacts
from ..devices.measure import Job, measure
from ..devices.provision.provision import FOLDER, Installed, provision, push_program, remove
from ..devices.provision.push import push
from ..devices.target import Target
from ..devices.transport import Transport
from ..errors import BoardError, RunError
from ..files import digest
from .bench_row import Row, counted, measured
from .check_target import parity_on
from .progress import Report
from .target_layers import BoardRuntime

__all__ = ["Cell", "CellRunner"]

COUNTED = 2
"""Inferences counted on an emulated core; the fewest instructions are told."""


@dataclass(frozen=True)
class Cell:
    artifact: Artifact
    target: Target


class CellRunner:
    """A model's files on a board while the block runs: pushed by `prepare`, taken away at the end.

    Runtimes and the measuring program stay there for the next time.
    """

    def __init__(
        self,
        transport: Transport,
        facts: BoardFacts,
        folder: ModelFolder,
        artifacts: Sequence[Artifact],
        progress: Report,
    ) -> None:
        self._transport, self._facts = transport, facts
        self._folder, self._artifacts, self._progress = folder, artifacts, progress
        self._installed: dict[str, Installed] = {}
        self._program = self._files = self._place = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._files:
            # A board that was lost is told by what lost it; the next run of the same files takes the leftovers over.
            with suppress(BoardError):
                remove(self._transport, self._files)

    def prepare(self, runtimes: Sequence[str]) -> None:
        """Put on the board what is not there yet. Raises as `provision` and `push`."""
        self._installed = provision(self._transport, self._facts, runtimes, progress=self._progress_of)
        self._program = push_program(self._transport)
        files = {name: path for artifact in self._artifacts for name, path in _files(self._folder, artifact)}
        self._files = f"runs/{_run_name(files.values())}"
        self._place = push(self._transport, files, f"{FOLDER}/{self._files}").folder

    def run(self, cell: Cell, seconds: float, repeats: int) -> Row:
        """Measure one cell, or count it on an emulated core. Raises RunError (this cell) and BoardError (all of it)."""
        job = self._job(cell)
        if isinstance(self._transport, EmulatorTransport):
            return self._counted(self._transport, cell, replace(job, counted=COUNTED))
        return measured(
            cell.artifact, cell.target, measure(self._transport, job, seconds=seconds, repeats=repeats).told
        )

    def layer_instructions(self, runtime: str) -> list[dict[str, Any]]:
        """Of the int8 network's layers, each cut out and run alone on the emulated core, with its kind of layer.

        Raises RunError and BoardError.
        """
        there = BoardRuntime(runtime, self._program, environment=self._installed[runtime].environment)
        data = sample_inputs(None, model_facts(self._folder.require("onnx", "float")), limit=1)
        found = parity_on(self._transport, [there], self._folder, (), data, samples=1, progress=self._progress)
        return [
            {"layer": row.layer, "op": row.op, "kind": row.kind, "by_kind": dict(row.instructions)}
            for row in found.layers
            if row.instructions is not None
        ]

    def _job(self, cell: Cell) -> Job:
        return Job(
            cell.target.runtime,
            cell.target.threads,
            self._program,
            f"{self._place}/{cell.artifact.path.name}",
            golden=f"{self._place}/{_golden_name(cell.artifact)}",
            environment=self._installed[cell.target.runtime].environment,
        )

    def _counted(self, emulator: EmulatorTransport, cell: Cell, job: Job) -> Row:
        with tempfile.TemporaryDirectory(prefix="sepia-") as folder, emulator.counting(Path(folder)) as counting:
            said = measure(counting, job).bench
            intervals = counting.counts()
        if len(intervals) != COUNTED:
            raise RunError(str(cell.target), f"{len(intervals)} inferences were counted, not {COUNTED}")
        return counted(cell.artifact, cell.target, said, fewest(counts for _, counts in intervals).by_kind())

    def _progress_of(self, what: str, done: int, total: int) -> None:
        self._progress(f"{self._transport.name}: {what}", done, total)


def _files(folder: ModelFolder, artifact: Artifact) -> Iterator[tuple[str, Path]]:
    """Name on the board → file here: the network and its golden inputs and outputs."""
    for path in artifact.files:
        yield path.name, path
    for path in sorted(folder.golden(artifact).iterdir()):
        yield f"{_golden_name(artifact)}/{path.name}", path


def _golden_name(artifact: Artifact) -> str:
    return f"golden/{artifact.format}-{artifact.precision}"


def _run_name(files: Iterable[Path]) -> str:
    """The same for the same files from the same user here, so that what a lost run left is used or taken away."""
    who = f"{getpass.getuser()}@{platform.node()}"
    return hashlib.sha256(json.dumps([who, *sorted(map(digest, files))]).encode()).hexdigest()[:12]
