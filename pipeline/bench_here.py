"""This machine as a target: every runtime that it has, or the one that was named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..check.model_folder import Artifact, ModelFolder
from ..devices.local import bench
from ..devices.place import Place
from ..devices.target import Target, host_targets
from ..errors import RunError
from ..runtime import RUNTIMES
from .bench_row import Row, failed, measured
from .bench_settings import BenchSettings
from .progress import Report
from .usable import usable_runtimes

__all__ = ["bench_here", "reads", "targets_here"]


def targets_here(places: Sequence[Place], threads: Sequence[int]) -> tuple[Target, ...]:
    """Every target once. Raises RuntimeUnavailable where a runtime was named that can't run here."""
    found: dict[str, Target] = {}
    for place in places:
        runtimes = usable_runtimes([place.runtime] if place.runtime else None).names
        counts = threads if place.threads is None else (place.threads,)
        found |= {target.name: target for target in host_targets(runtimes, counts)}
    return tuple(found.values())


def bench_here(
    folder: ModelFolder,
    artifacts: Sequence[Artifact],
    targets: Sequence[Target],
    settings: BenchSettings,
    progress: Report,
) -> Iterator[Row]:
    """A row for every file on every target that reads its format; one that fails says why, and the others go on."""
    cells = [(artifact, target) for target in targets for artifact in artifacts if reads(target.runtime, artifact)]
    what = f"{folder.name}: bench"
    for done, (artifact, target) in enumerate(cells):
        progress(what, done, len(cells))
        yield _row(folder, artifact, target, settings)
    if cells:
        progress(what, len(cells), len(cells))


def reads(runtime: str, artifact: Artifact) -> bool:
    """Whether the artifact's is the format that the runtime prefers."""
    return RUNTIMES[runtime].suffixes[0] == artifact.path.suffix


def _row(folder: ModelFolder, artifact: Artifact, target: Target, settings: BenchSettings) -> Row:
    golden = folder.golden(artifact)
    try:
        said = bench(
            artifact.path,
            target.runtime,
            target.threads,
            golden=golden,
            seconds=settings.seconds,
            repeats=settings.repeats,
        )
    except RunError as error:
        return failed(artifact, target, "measured", str(error))
    return measured(artifact, target, said)
