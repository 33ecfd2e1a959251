"""The report's figures of one network file: what a bundle carries of `results.json`, and what its bounds come from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..report.results import Results, Row, load_results
from .agent.manifest import Bounds

__all__ = ["LATENCY_FACTOR", "MEMORY_FACTOR", "bounds_of", "figures_json", "results_in", "rows_of"]

LATENCY_FACTOR = 1.5
"""Bound of the median latency, over the one measured: a board that is warm or shares its cores is not a bad one."""
MEMORY_FACTOR = 1.25
"""Bound of the resident memory, over the peak measured."""

_FIGURES = (
    "runtime", "runtime_version", "target", "threads", "how", "outputs", "images", "top1", "top5", "agreement", "rms",
    "latency_ms", "latency_p90_ms", "latency_p99_ms", "latency_bound", "disturbed", "instructions", "peak_rss_bytes",
    "arena_bytes", "file_bytes",
)  # fmt: skip


def results_in(path: Path) -> Results | None:
    """None where there are none. Raises InputError as `load_results`."""
    return load_results(path) if path.is_file() else None


def rows_of(results: Results | None, file: str, sha256: str) -> tuple[Row, ...]:
    """Rows of runs of this very file that did not fail: its name and digest are those that were measured."""
    return () if results is None else tuple(_rows(results, file, sha256))


def figures_json(results: Results, rows: tuple[Row, ...]) -> str:
    """Each row with its target and how it was had; figures that are not known are left out."""
    told: dict[str, Any] = {
        "schema": 1,
        "created": results.created,
        "data": results.data,
        "rows": [
            {
                key: value
                for key, value in row.model_dump(mode="json", include=set(_FIGURES)).items()
                if value is not None and value != []
            }
            for row in rows
        ],
    }
    return json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def bounds_of(
    rows: tuple[Row, ...], target: str, *, max_latency_ms: float | None = None, max_rss_mb: float | None = None
) -> Bounds:
    """As the caller says; else from an undisturbed measurement of that very target, times a factor; else None.

    max_rss_mb: in 10⁶ bytes.
    """
    row = next((row for row in rows if row.target == target and row.how == "measured" and not row.disturbed), None)
    if max_latency_ms is None and row is not None and row.latency_ms is not None:
        max_latency_ms = round(row.latency_ms * LATENCY_FACTOR, 3)
    if max_rss_mb is not None:
        return Bounds(max_latency_ms, round(max_rss_mb * 1e6))
    peak = None if row is None else row.peak_rss_bytes
    return Bounds(max_latency_ms, None if peak is None else round(peak * MEMORY_FACTOR))


def _rows(results: Results, file: str, sha256: str) -> Iterator[Row]:
    models = {fact.model for fact in results.files if (fact.file, fact.sha256) == (file, sha256)}
    for row in results.rows:
        if row.model in models and row.file == file and row.failure is None:
            yield row
