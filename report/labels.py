"""Short labels of rows: only what tells them apart."""

from __future__ import annotations

from collections.abc import Sequence

from .row import Row

__all__ = ["engine_labels", "place", "row_labels"]

Parts = Sequence[tuple[str, ...]]


def place(row: Row) -> str:
    """Where a row ran: its target less runtime and threads, which is board and operating system."""
    return row.target.removesuffix(f"-t{row.threads}").removesuffix(f"-{row.runtime}")


def engine_labels(rows: Sequence[Row]) -> tuple[str, ...]:
    """One label a row that float and int8 share: the runtime, and what else differs between `rows`."""
    if not rows:
        return ()
    one_format = len({(row.runtime, row.format) for row in rows}) == len({row.runtime for row in rows})
    formats = ["" if one_format else row.format for row in rows]
    parts = [(row.runtime, row.model, place(row), _threads(row), end) for row, end in zip(rows, formats, strict=True)]
    shown = _telling(parts)
    # One label must not hide that its figures were had in two ways.
    if len(set(zip(shown, (row.how for row in rows), strict=True))) > len(set(shown)):
        return tuple(f"{label} · {row.how}" for label, row in zip(shown, rows, strict=True))
    return shown


def row_labels(rows: Sequence[Row]) -> tuple[str, ...]:
    """One label a row, precision and (where there are several) recipe included."""
    recipes = {row.recipe for row in rows if row.recipe}
    ends = (f" · {row.precision}" + (f" ({row.recipe})" if row.recipe and len(recipes) > 1 else "") for row in rows)
    return tuple(label + end for label, end in zip(engine_labels(rows), ends, strict=True))


def _threads(row: Row) -> str:
    return f"{row.threads} thread{'s' if row.threads > 1 else ''}"


def _telling(parts: Parts) -> tuple[str, ...]:
    """The first of the parts, and every other that is not the same in all rows."""
    telling = [index for index in range(len(parts[0])) if index == 0 or len({part[index] for part in parts}) > 1]
    return tuple(" · ".join(part[index] for index in telling if part[index]) for part in parts)
