"""The table of results in the terminal: what `make export` prints at the end."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

from .columns import FIGURES, UNKNOWN
from .labels import engine_labels
from .results import Results
from .row import Row
from .statements import calibration_statement, disturbances

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["results_table", "results_text"]

_SHOWN = ("top1", "agreement", "rms", "latency_ms", "latency_p90_ms", "peak_rss_bytes", "file_bytes", "float_layers")

_LONG_LABEL = 24


def results_table(results: Results) -> Table:
    """A rich table, one line a row: label, precision, outputs, then the figures that are known of any row."""
    from rich.markup import escape
    from rich.table import Table

    rows = results.rows
    shown = [FIGURES[key] for key in _SHOWN if any(FIGURES[key].value(row) is not None for row in rows)]
    table = Table(title=escape(_title(rows)), title_justify="left", title_style="bold", header_style="bold", box=None)
    mixed = len({row.how for row in rows}) > 1
    for heading in ("runtime", "precision", *(["how"] if mixed else []), "outputs"):
        table.add_column(heading, overflow="fold")
    for column in shown:
        table.add_column(f"{column.title}\n{column.unit}".rstrip(), justify="right", no_wrap=True)
    labels = engine_labels(rows)
    # Long labels break where their parts meet, not in the middle of one.
    between = "\n" if max(map(len, labels), default=0) > _LONG_LABEL else " · "
    for row, parts in zip(rows, (label.split(" · ") for label in labels), strict=True):
        label = between.join(parts)
        figures = ("" if row.failure else column.text(row) for column in shown)
        words = (escape(label), _precision(row, rows), *([row.how] if mixed else []), _outputs(row))
        table.add_row(*words, *figures, style=_style(row))
    return table


def results_text(results: Results, *, width: int = 120) -> str:
    """The same as plain text, no line wider than `width`, followed by what must not be overlooked."""
    from rich.console import Console

    console = Console(file=StringIO(), width=width, color_system=None, highlight=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(results_table(results))
        for line in remarks(results):
            console.print(line, markup=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def remarks(results: Results) -> list[str]:
    """Sentences that belong under every table: wrong outputs, failures, disturbed times, built-in calibration."""
    lines = [f"WRONG outputs: {row.name}: {row.reason}" for row in results.rows if row.outputs == "wrong"]
    lines += [f"failed: {row.name}: {row.failure}" for row in results.rows if row.failure]
    lines += [f"disturbed: {sentence}" for sentence in disturbances(results.rows)]
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
