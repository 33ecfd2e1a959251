"""Columns as tables show them: a figure's column holds figures that were had in one way alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .columns import COLUMNS, UNKNOWN, Column
from .fact import How
from .row import Row

__all__ = ["HOWS", "Shown", "every", "shown"]

HOWS: tuple[How, ...] = ("measured", "emulated", "predicted")
"""In the order in which tables and statements show them."""


@dataclass(frozen=True)
class Shown:
    """A column for figures had in one way. how: None for words and for facts of the file, alike in every way."""

    column: Column
    how: How | None

    @property
    def key(self) -> str:
        """Name in CSV and in the page: measured.latency_ms, file_bytes."""
        return f"{self.how}.{self.column.key}" if self.how else self.column.key

    @property
    def heading(self) -> str:
        """p50 measured [ms], p50 predicted [ms] ±, instructions emulated [M], file [MiB]."""
        title = f"{self.column.title} {self.how}" if self.how else self.column.title
        unit = f" [{self.column.unit}]" if self.column.unit else ""
        return title + unit + (" ±" if self.bounded else "")

    @property
    def bounded(self) -> bool:
        """Whether its figures carry an error bound."""
        return self.how == "predicted" and self.column.key == "latency_ms"

    def value(self, row: Row) -> float | str | None:
        """What `row` says; None: unknown, or had in another way."""
        return self.column.value(row) if self.how in (None, row.how) else None

    def text(self, row: Row) -> str:
        """As people read it, with the bound of a prediction, and a star where a run was disturbed."""
        if self.value(row) is None:
            return UNKNOWN
        bound = f" ± {row.latency_bound:.0%}" if self.bounded and row.latency_bound else ""
        star = " *" if row.disturbed and self.column.unit == "ms" else ""
        return self.column.text(row) + bound + star


def every(columns: Iterable[Column] = COLUMNS) -> list[Shown]:
    """Each of `columns` once for every way in which its figures can be had, whether any row has them or not."""
    return [Shown(column, how) for column in columns for how in column.hows or (None,)]


def shown(rows: Sequence[Row], columns: Iterable[Column] = COLUMNS) -> list[Shown]:
    """Those of `every` that are known of any row."""
    return [column for column in every(columns) if any(column.value(row) is not None for row in rows)]
