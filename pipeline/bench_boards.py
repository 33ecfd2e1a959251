"""Many boards at once, each with its rows or with the first cause of its failure."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from ..check.model_folder import Artifact, ModelFolder
from ..devices.at_each import at_each
from ..devices.place import Place
from .bench_board import BoardDone, bench_board, unreached
from .bench_settings import BenchSettings
from .progress import Report

__all__ = ["bench_boards"]


def bench_boards(
    folder: ModelFolder,
    artifacts: Sequence[Artifact],
    places: Sequence[Place],
    settings: BenchSettings,
    progress: Report,
) -> tuple[BoardDone, ...]:
    """What each of `places` gave, in their order."""
    told = _OneAtATime(progress)
    outcomes = at_each(
        places, lambda place, transport: bench_board(place, transport, folder, artifacts, settings, told)
    )
    return tuple(outcome.result or unreached(outcome.place, outcome.failure) for outcome in outcomes)


class _OneAtATime:
    """`progress` for several threads."""

    def __init__(self, progress: Report) -> None:
        self._progress = progress
        self._lock = Lock()

    def __call__(self, what: str, done: int, total: int) -> None:
        with self._lock:
            self._progress(what, done, total)
