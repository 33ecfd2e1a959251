"""Every file of a model on one board: probe, provision, push, then row by row, and the files taken away again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..check.model_folder import Artifact, ModelFolder
from ..devices.facts import BoardFacts
from ..devices.place import Place
from ..devices.probe import probe
from ..devices.profile import profile_of
from ..devices.target import Target
from ..devices.transport import Transport
from ..devices.wheels import runs_on
from ..errors import ConfigError, RunError, SepiaError
from ..runtime import RUNTIMES
from .bench_cell import Cell, CellRunner
from .bench_here import reads
from .bench_row import Row, failed
from .bench_settings import BenchSettings
from .progress import Report

__all__ = ["BoardDone", "bench_board", "unreached"]


@dataclass
class BoardDone:
    """device: as in `bench.json`, with "failure", the first cause, if the board failed on the way."""

    device: dict[str, Any]
    rows: list[Row] = field(default_factory=list)


def bench_board(
    place: Place,
    transport: Transport,
    folder: ModelFolder,
    artifacts: Sequence[Artifact],
    settings: BenchSettings,
    progress: Report,
) -> BoardDone:
    """All rows of one board. A user's error or a lost board ends in the device's failure; earlier rows are kept."""
    done = _begun(place)
    try:
        _Session(place, transport, folder, artifacts, settings, progress, done).bench()
    except SepiaError as error:
        done.device["failure"] = str(error)
    return done


def unreached(place: Place, failure: str) -> BoardDone:
    """A board that there was no way to."""
    done = _begun(place)
    done.device["failure"] = failure
    return done


def _begun(place: Place) -> BoardDone:
    return BoardDone({"name": place.label, "how": "emulated" if place.kind == "emulator" else "measured"})


class _Session:
    """One connection to one board, from probe to clean-up; rows are added to `done` as they come."""

    def __init__(
        self,
        place: Place,
        transport: Transport,
        folder: ModelFolder,
        artifacts: Sequence[Artifact],
        settings: BenchSettings,
        progress: Report,
        done: BoardDone,
    ) -> None:
        self.place, self.transport, self.folder = place, transport, folder
        self.artifacts, self.settings, self.progress, self.done = artifacts, settings, progress, done

    def bench(self) -> None:
        what = f"{self.place.label}: {self.folder.name}"
        self.progress(f"{self.place.label}: probe", 0, 0)
        facts = probe(self.transport)
        self._describe(facts)
        runtimes = self._runtimes(facts)
        cells = list(self._cells(facts, runtimes))
        with CellRunner(self.transport, facts, self.folder, self.artifacts, self.progress) as runner:
            runner.prepare(tuple(dict.fromkeys(cell.target.runtime for cell in cells)))
            for count, cell in enumerate(cells):
                self.progress(what, count, len(cells))
                self.done.rows.append(self._row(runner, cell))
                machine = self.done.rows[-1].get("bench", {}).get("machine")
                if machine:
                    self.done.device.setdefault("machine", machine)
            self.progress(what, len(cells), len(cells))
            if self.transport.how == "emulated":
                self._count_layers(runner)

    def _describe(self, facts: BoardFacts) -> None:
        """Tell the device from its facts. The profile named, else the one that the board looks like."""
        profile = self.place.profile or profile_of(facts)
        self.done.device |= {
            "name": f"{self.place.label}-{facts.system}",
            "profile": None if profile is None else profile.name,
            "model": facts.model or None,
            "core": facts.core or None,
            "libc": facts.libc or None,
            "memory_bytes": facts.memory_bytes,
            "clock_skew_s": facts.clock_skew_s,
        }

    def _runtimes(self, facts: BoardFacts) -> tuple[str, ...]:
        """Those with a wheel there. Raises ConfigError with each one's reason if that leaves none."""
        asked = (self.place.runtime,) if self.place.runtime else tuple(RUNTIMES)
        verdicts = {name: runs_on(name, facts) for name in asked}
        found = tuple(name for name, verdict in verdicts.items() if verdict.ok)
        if not found:
            reasons = "; ".join(dict.fromkeys(verdict.reason for verdict in verdicts.values()))
            nearest = next((verdict.nearest for verdict in verdicts.values() if verdict.nearest), "")
            raise ConfigError(self.place.text, reasons, accepted=nearest)
        return found

    def _cells(self, facts: BoardFacts, runtimes: Sequence[str]) -> Iterator[Cell]:
        for runtime in runtimes:
            for threads in self._threads(facts):
                target = Target(self.place.label, facts.system, runtime, threads)
                yield from (Cell(file, target) for file in self.artifacts if reads(runtime, file))

    def _threads(self, facts: BoardFacts) -> tuple[int, ...]:
        if self.place.threads is not None:
            return (self.place.threads,)
        if self.settings.threads:
            return self.settings.threads
        if self.transport.how == "emulated":
            return (1,)  # several share one count of instructions, and wait for each other in instructions
        doubled = [2**power for power in range(facts.cores.bit_length()) if 2**power <= facts.cores]
        return tuple(dict.fromkeys([*doubled, facts.cores]))

    def _count_layers(self, runner: CellRunner) -> None:
        """Instructions by layer for the int8 rows; one that can't be had says why in its note."""
        for row in self.done.rows:
            if row["precision"] == "int8" and "instructions" in row:
                try:
                    row["layer_instructions"] = runner.layer_instructions(row["runtime"])
                except RunError as error:
                    row["bench"]["layers_note"] = str(error)

    def _row(self, runner: CellRunner, cell: Cell) -> Row:
        try:
            return runner.run(cell, self.settings.seconds, self.settings.repeats)
        except RunError as error:
            return failed(cell.artifact, cell.target, self.transport.how, str(error))
