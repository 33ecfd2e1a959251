"""Everything one run found out, as it is kept in `results.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from .measured import Run
from .memory import Growth
from .ratios import Ratio

__all__ = ["Pair", "Results", "Standing", "standing_of"]


@dataclass(frozen=True)
class Standing:
    """A contestant's runs in one line: medians over rounds. peak_rss_bytes: the largest."""

    wall_seconds: float
    import_seconds: float
    work_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int


def standing_of(runs: list[Run]) -> Standing:
    return Standing(
        median(run.wall_seconds for run in runs),
        median(run.import_seconds for run in runs),
        median(run.work_seconds for run in runs),
        median(run.cpu_seconds for run in runs),
        max(run.peak_rss_bytes for run in runs),
    )


@dataclass(frozen=True)
class Pair:
    """Our file against a peer's in one runtime. load_average: of the minute before."""

    runtime: str
    peer: str
    ratio: Ratio
    load_average: float


@dataclass
class Results:
    """roads, fidelity: by contestant (fidelity "sepia" has one entry a file ending; "float" is the float ONNX)."""

    command: str
    machine: dict[str, str]
    photos: int
    roads: dict[str, list[Run]] = field(default_factory=dict)
    fidelity: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    latency: list[Pair] = field(default_factory=list)
    memory: list[Growth] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
