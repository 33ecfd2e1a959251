"""Everything one run found out, as it is kept in `quantizers.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from ..measured import Run
from .judge import Verdict

__all__ = ["Judged", "QuantizerResults"]


@dataclass(frozen=True)
class Judged:
    """A row's runs, in rounds, and its file. quantising: the steps of a run that are quantisation."""

    title: str
    quantising: tuple[str, ...]
    runs: tuple[Run, ...]
    verdict: Verdict

    @property
    def quantise_seconds(self) -> float:
        return median(sum(run.steps.get(step, 0.0) for step in self.quantising) for run in self.runs)

    @property
    def wall_seconds(self) -> float:
        return median(run.wall_seconds for run in self.runs)

    @property
    def peak_rss_bytes(self) -> int:
        return max(run.peak_rss_bytes for run in self.runs)


@dataclass
class QuantizerResults:
    """quantizers, per_tensor: by row. by_photos: recipe → row. failures: row → reason. left_out: peers without pins."""

    command: str
    machine: dict[str, str]
    photos: int
    quantizers: dict[str, Judged] = field(default_factory=dict)
    by_photos: dict[str, dict[str, Judged]] = field(default_factory=dict)
    per_tensor: dict[str, Judged] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
