"""Short labels of rows: only what tells them apart."""

from __future__ import annotations

from collections.abc import Sequence

from .row import Row

__all__ = ["engine_labels", "row_labels"]


def _place(row: Row) -> str:
    """The target less its runtime and threads: board and operating system."""
    return row.target.removesuffix(f"-{row.runtime}-t{row.threads}")


def _parts(row: Row) -> tuple[str, ...]:
    # The runtime stands first and always; a format is told only where one runtime reads several.
    threads = f"{row.threads} thread{'s' if row.threads > 1 else ''}"
    return (row.runtime, row.model, _place(row), threads, row.how)


def _joined(parts: Sequence[Sequence[str]]) -> tuple[str, ...]:
    telling = [place for place in range(len(parts[0])) if place == 0 or len({part[place] for part in parts}) > 1]
    return tuple(" · ".join(part[place] for place in telling if part[place]) for part in parts)


def engine_labels(rows: Sequence[Row]) -> tuple[str, ...]:
    """One label a row that float and int8 share: the runtime, and what else differs between `rows`."""
    if not rows:
        return ()
    one_format = len({(row.runtime, row.format) for row in rows}) == len({row.runtime for row in rows})
    return _joined([(*_parts(row), "" if one_format else row.format) for row in rows])


def row_labels(rows: Sequence[Row]) -> tuple[str, ...]:
    """One label a row, precision and (where there are several) recipe included."""
    recipes = {row.recipe for row in rows if row.recipe}
    ends = (f" · {row.precision}" + (f" ({row.recipe})" if row.recipe and len(recipes) > 1 else "") for row in rows)
    return tuple(label + end for label, end in zip(engine_labels(rows), ends, strict=True))
