"""`sepia bench`: latency and memory of every file, on every runtime of a target → `bench.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..devices.local import bench
from ..devices.target import Target, host, host_targets
from ..errors import ConfigError, InputError, RunError
from ..files import write_text
from ..runtime import RUNTIMES
from .folder import Artifact, ModelFolder, network_digests
from .model_facts import model_facts
from .progress import Report, silent
from .sample_inputs import sample_inputs
from .usable import usable_runtimes

__all__ = ["BenchOptions", "bench_files"]


@dataclass(frozen=True)
class BenchOptions:
    """targets: "host" (every runtime here) or full names. threads: counts for "host". seconds: timed a row."""

    targets: Sequence[str] = ("host",)
    threads: Sequence[int] = (1,)
    seconds: float = 3.0


def bench_files(folder: ModelFolder, options: BenchOptions, *, progress: Report = silent) -> dict[str, Any]:
    """Measure every file in `folder` on every target that reads its format; write the golden files and `bench.json`.

    A run that fails is a row with its reason; the others go on. Raises InputError (no files), ConfigError (a target),
    RuntimeUnavailable (one that was asked for by name) and OutputError.
    """
    targets = _targets(options)
    artifacts = tuple(folder.artifacts())
    if not artifacts:
        raise InputError(str(folder.path), "no network files here", hint="make them with: sepia export SOURCE -o DIR")
    progress(f"{folder.name}: golden outputs", 0, 0)
    _write_goldens(folder, artifacts)
    cells = [(artifact, target) for target in targets for artifact in artifacts if _reads(target, artifact)]
    what = f"{folder.name}: bench"
    rows = []
    for done, (artifact, target) in enumerate(cells):
        progress(what, done, len(cells))
        rows.append(_row(folder, artifact, target, options.seconds))
    progress(what, len(cells), len(cells))
    found = {"digests": network_digests(artifacts), "rows": rows, "devices": _devices(rows)}
    write_text(folder.bench, json.dumps(found, indent=1) + "\n")
    return found


def _targets(options: BenchOptions) -> tuple[Target, ...]:
    """Every target once. A name asked for must be of this machine and of a runtime that runs here."""
    found: dict[str, Target] = {}
    for text in options.targets:
        named = host_targets(usable_runtimes().names, options.threads) if text == "host" else (_named(text),)
        found |= {target.name: target for target in named}
    return tuple(found.values())


def _named(text: str) -> Target:
    target = Target.parse(text)
    here = host(target.runtime, target.threads)
    if target != here:
        raise ConfigError("--target", f"'{text}' is not this machine", accepted=f"host, or {here.name}")
    usable_runtimes([target.runtime])
    return target


def _reads(target: Target, artifact: Artifact) -> bool:
    """Whether the artifact's is the format that the target's runtime prefers."""
    return RUNTIMES[target.runtime].suffixes[0] == artifact.path.suffix


def _write_goldens(folder: ModelFolder, artifacts: Sequence[Artifact]) -> None:
    from ..check.golden import write_goldens

    facts = model_facts(folder.require("onnx", "float"))
    write_goldens(artifacts, sample_inputs(None, facts, limit=4), folder.golden)


def _row(folder: ModelFolder, artifact: Artifact, target: Target, seconds: float) -> dict[str, Any]:
    row: dict[str, Any] = {
        "format": artifact.format,
        "precision": artifact.precision,
        "file": artifact.path.name,
        "file_bytes": artifact.file_bytes,
        "runtime": target.runtime,
        "target": target.name,
        "threads": target.threads,
        "how": "measured",
    }
    try:
        golden = folder.golden(artifact)
        row["bench"] = bench(artifact.path, target.runtime, target.threads, golden=golden, seconds=seconds)
    except RunError as error:
        row["failure"] = str(error)
    return row


def _devices(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each board with its system once, as its first run saw it."""
    return list({name: {"name": name, "machine": machine} for name, machine in _machines(rows)}.values())


def _machines(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for row in reversed(rows):
        if "bench" in row:
            target = Target.parse(row["target"])
            yield f"{target.board}-{target.os}", row["bench"]["machine"]
