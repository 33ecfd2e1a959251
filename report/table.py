"""The table of results in the terminal: what `make export` prints at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import StringIO
from typing import TYPE_CHECKING

from .best import best_statements
from .by_how import HOWS, shown
from .columns import FIGURES, UNKNOWN
from .disturbed import disturbances
from .fact import How
from .labels import engine_labels, place
from .results import Results
from .row import Row
from .statements import calibration_statement, failed_devices

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["results_tables", "results_text"]

_SHOWN = tuple(
    FIGURES[key]
    for key in (
        "top1",
        "agreement",
        "rms",
        "latency_ms",
        "latency_p90_ms",
        "instructions",
        "peak_rss_bytes",
        "file_bytes",
        "float_layers",
    )
)

_LONG_LABEL = 26


def results_tables(results: Results) -> list[Table]:
    """A rich table for each way in which figures were had; in it devices apart, one line a row.

    Its columns: label, precision, outputs, then the figures that are known of any of its rows.
    """
    found = (_table(results, how) for how in HOWS if any(row.how == how for row in results.rows))
    return list(found) or [_table(results, "measured")]


def _table(results: Results, how: How) -> Table:
    from rich.markup import escape
    from rich.table import Table

    rows = [row for row in results.rows if row.how == how]
    columns = shown(rows, _SHOWN)
    title = escape(_title(rows))
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None)
    for heading in ("runtime", "precision", "outputs"):
        table.add_column(heading, overflow="fold")
    for column in columns:
        bound = " ±" if column.bounded else ""
        table.add_column(f"{column.column.title}\n{column.column.unit}{bound}".rstrip(), justify="right", no_wrap=True)
    places = list(dict.fromkeys(place(row) for row in rows))
    several = len({place(row) for row in results.rows}) > 1
    for where in places:
        here = [row for row in rows if place(row) == where]
        if several:
            table.add_row(f"[bold]{escape(where)}[/]")
        for row, label in zip(here, _labels(here), strict=True):
            figures = ("" if row.failure else column.text(row) for column in columns)
            table.add_row(escape(label), _precision(row, rows), _outputs(row), *figures, style=_style(row))
    return table


def _labels(rows: Sequence[Row]) -> Iterator[str]:
    labels = engine_labels(rows)
    # Long labels break where their parts meet, not in the middle of one.
    between = "\n" if max(map(len, labels), default=0) > _LONG_LABEL else " · "
    return (between.join(label.split(" · ")) for label in labels)


def results_text(results: Results, *, width: int = 120) -> str:
    """The same as plain text, no line wider than `width`, followed by what must not be overlooked."""
    from rich.console import Console

    console = Console(file=StringIO(), width=width, color_system=None, highlight=False, legacy_windows=False)
    with console.capture() as capture:
        for table in results_tables(results):
            console.print(table)
        for line in remarks(results):
            console.print(line, markup=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def remarks(results: Results) -> list[str]:
    """Sentences that belong under every table: what is best, wrong, failed, disturbed, and built-in calibration."""
    lines = list(best_statements(results))
    lines += [f"board failed: {device}" for device in failed_devices(results.devices)]
    lines += [f"WRONG outputs: {row.name}: {row.reason}" for row in results.rows if row.outputs == "wrong"]
    lines += [f"failed: {row.name}: {row.failure}" for row in results.rows if row.failure]
    lines += [f"* disturbed: {sentence}" for sentence in disturbances(results.rows)]
    built_in = (made for made in results.quantizations if made.calibration and made.calibration.built_in)
    lines += [calibration_statement(made) for made in built_in]
    return lines


def _title(rows: Sequence[Row]) -> str:
    models = list(dict.fromkeys(row.model for row in rows))
    hows = list(dict.fromkeys(row.how for row in rows))
    return f"{', '.join(models)}: {', '.join(hows)}" if rows else "no rows"


def _precision(row: Row, rows: Sequence[Row]) -> str:
    several = len({other.recipe for other in rows if other.recipe}) > 1
    return f"{row.precision} {row.recipe}" if several and row.recipe else row.precision


def _outputs(row: Row) -> str:
    return "failed" if row.failure else "WRONG" if row.outputs == "wrong" else UNKNOWN if _unchecked(row) else "right"


def _unchecked(row: Row) -> bool:
    return row.outputs == "not checked"


def _style(row: Row) -> str:
    return "red" if row.outputs == "wrong" or row.failure else ""
