"""Results as CSV: one line a row, every figure at full precision, unknown left empty.

A figure has a column for each way in which it can be had (measured.latency_ms, predicted.latency_ms): whoever takes the
mean of a column never mixes them.
"""

from __future__ import annotations

import csv
from io import StringIO

from .by_how import every
from .columns import COLUMNS, KINDS
from .results import Results
from .row import Conditions, Row

__all__ = ["to_csv"]

_REST = ("threads", "reason", "failure", "latency_bound", "runs", "attempts", "file")
_COLUMNS = every((*COLUMNS, *KINDS))
_MEMORY = ("rss_bytes", "pss_bytes", "peak_rss_bytes")


def to_csv(results: Results) -> str:
    """Header and rows. Units are in the names; memory by phase is memory.PHASE.rss_bytes; float_layers counts them."""
    phases = list(dict.fromkeys(phase.phase for row in results.rows for phase in row.memory))
    headings = [column.key for column in _COLUMNS] + [*_REST, "disturbed"]
    headings += [f"{when}.{key}" for when in ("before", "after") for key in Conditions.model_fields]
    headings += [f"memory.{phase}.{size}" for phase in phases for size in _MEMORY]
    text = StringIO()
    writer = csv.DictWriter(text, headings, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_cells(row) for row in results.rows)
    return text.getvalue()


def _cells(row: Row) -> dict[str, object]:
    cells: dict[str, object] = {column.key: column.value(row) for column in _COLUMNS}
    cells |= {key: getattr(row, key) for key in _REST}
    cells["disturbed"] = "; ".join(row.disturbed)
    for when in ("before", "after"):
        state = getattr(row, when) or Conditions()
        cells |= {f"{when}.{key}": getattr(state, key) for key in Conditions.model_fields}
    cells |= {f"memory.{phase.phase}.{size}": getattr(phase, size) for phase in row.memory for size in _MEMORY}
    return cells
