"""`sepia bench`: latency and memory of every file, on every runtime of each target → `bench.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..check.model_facts import model_facts, network_file
from ..check.model_folder import Artifact, ModelFolder, network_digests
from ..check.sample_inputs import sample_inputs
from ..devices.measure import REPEATS
from ..devices.target import Target
from ..errors import InputError
from ..files import write_text
from .bench_boards import bench_boards
from .bench_here import bench_here, targets_here
from .bench_places import bench_places
from .bench_row import Row
from .bench_settings import BenchSettings
from .progress import Report, silent

__all__ = ["BenchOptions", "bench_files"]


@dataclass(frozen=True)
class BenchOptions:
    """targets: "host" (every runtime here), boards, emulated boards, or full names. seconds: timed a row.

    threads, repeats: as in `BenchSettings`.
    """

    targets: Sequence[str] = ("host",)
    threads: Sequence[int] = ()
    seconds: float = 3.0
    repeats: int = REPEATS


def bench_files(folder: ModelFolder, options: BenchOptions, *, progress: Report = silent) -> dict[str, Any]:
    """Measure every file in `folder` on every target that reads its format; write the golden files and `bench.json`.

    A run that fails is a row with its reason, and a board that fails a device with its first cause; the others go on.
    This machine comes first and alone, then all boards at once. Raises InputError (no files), ConfigError (a target),
    RuntimeUnavailable (one of this machine that was asked for by name) and OutputError.
    """
    places = bench_places(options.targets)
    here = targets_here([place for place in places if place.kind == "host"], options.threads or (1,))
    artifacts = tuple(folder.artifacts())
    if not artifacts:
        raise InputError(str(folder.path), "no network files here", hint="make them with: sepia export SOURCE -o DIR")
    settings = BenchSettings(tuple(options.threads), options.seconds, options.repeats)
    progress(f"{folder.name}: golden outputs", 0, 0)
    _write_goldens(folder, artifacts)
    rows = list(bench_here(folder, artifacts, here, settings, progress))
    devices = _devices_here(rows)
    away = [place for place in places if place.kind != "host"]
    for done in bench_boards(folder, artifacts, away, settings, progress):
        rows += done.rows
        devices.append(done.device)
    found = {"digests": network_digests(artifacts), "rows": rows, "devices": devices}
    write_text(folder.bench, json.dumps(found, indent=1) + "\n")
    return found


def _write_goldens(folder: ModelFolder, artifacts: Sequence[Artifact]) -> None:
    from ..check.golden import write_goldens

    facts = model_facts(network_file(folder))
    write_goldens(artifacts, sample_inputs(None, facts, limit=4), folder.golden)


def _devices_here(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """This machine with its system once, as its first run saw it."""
    found = {name: {"name": name, "how": "measured", "machine": machine} for name, machine in _machines(rows)}
    return list(found.values())


def _machines(rows: Sequence[Row]) -> Iterator[tuple[str, dict[str, Any]]]:
    for row in reversed(rows):
        if "bench" in row:
            target = Target.parse(row["target"])
            yield f"{target.board}-{target.os}", row["bench"]["machine"]
