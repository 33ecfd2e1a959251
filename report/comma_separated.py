"""Results as CSV: one line a row, every figure at full precision, unknown left empty."""

from __future__ import annotations

import csv
from io import StringIO

from .columns import COLUMNS
from .results import Results
from .row import Conditions, Row

__all__ = ["to_csv"]

_REST = ("threads", "reason", "failure", "latency_bound", "runs", "file")
_MEMORY = ("rss_bytes", "pss_bytes", "peak_rss_bytes")


def to_csv(results: Results) -> str:
    """Header and rows. Units are in the names; memory by phase is memory.PHASE.rss_bytes; float_layers counts them."""
    phases = list(dict.fromkeys(phase.phase for row in results.rows for phase in row.memory))
    headings = [column.key for column in COLUMNS] + list(_REST)
    headings += [f"{when}.{key}" for when in ("before", "after") for key in Conditions.model_fields]
    headings += [f"memory.{phase}.{size}" for phase in phases for size in _MEMORY]
    text = StringIO()
    writer = csv.DictWriter(text, headings, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_cells(row) for row in results.rows)
    return text.getvalue()


def _cells(row: Row) -> dict[str, object]:
    cells: dict[str, object] = {column.key: column.value(row) for column in COLUMNS}
    cells |= {key: getattr(row, key) for key in _REST}
    for when in ("before", "after"):
        state = getattr(row, when) or Conditions()
        cells |= {f"{when}.{key}": getattr(state, key) for key in Conditions.model_fields}
    cells |= {f"memory.{phase.phase}.{size}": getattr(phase, size) for phase in row.memory for size in _MEMORY}
    return cells
