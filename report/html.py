"""Results as a page: one HTML file that needs no network, with charts, a table to sort and filter, and the facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .best import best_of_all, best_of_each
from .by_how import Shown, shown
from .chart_data import (
    Record,
    error_records,
    instruction_records,
    layer_instruction_records,
    layer_records,
    memory_records,
    row_records,
)
from .charts import (
    error_chart,
    instruction_chart,
    latency_chart,
    layer_chart,
    layer_instruction_chart,
    memory_chart,
)
from .columns import COLUMNS, FIGURES, KINDS, UNKNOWN, in_megabytes, in_millions, significant
from .disturbed import disturbance, disturbances
from .headline import headline
from .labels import row_labels
from .page import asset, chart_library, page_room, script_json
from .results import Results
from .row import Row
from .statements import (
    calibration_statement,
    conditions_statement,
    device_statement,
    failed_devices,
    how_statement,
)

__all__ = ["to_html"]


@dataclass(frozen=True)
class Item:
    """A row with its label and its record in the charts' data, as the template asks for them."""

    row: Row
    label: str
    record: Record


_FACETS = ("model", "precision", "runtime", "place", "format", "recipe", "how", "outputs")
_FIRST = ("how", "outputs", "agreement", "latency_ms", "instructions", "peak_rss_bytes", "file_bytes")
"""Columns that are seen without scrolling; of words these alone, as a label holds the others."""
_BARS = ("latency_ms", "peak_rss_bytes", "instructions")


def to_html(results: Results) -> str:
    """The page as one text. About 1 MB, nearly all of it the chart library, which is put into the page itself."""
    room = page_room()
    room.globals |= {
        "device_statement": device_statement,
        "calibration_statement": calibration_statement,
        "conditions_statement": conditions_statement,
        "megabytes": lambda size: UNKNOWN if size is None else f"{in_megabytes(size)} MiB",
        "significant": significant,
        "in_millions": in_millions,
        "disturbance": disturbance,
    }
    return room.get_template("report.html.j2").render(_view(results)) + "\n"


def _view(results: Results) -> dict[str, Any]:
    """What the template asks for. Texts are made here, so that the template only places them."""
    records = row_records(results)
    rows = [
        Item(row, label, record)
        for row, label, record in zip(results.rows, row_labels(results.rows), records, strict=True)
    ]
    columns = _columns(results.rows)
    return {
        "results": results,
        "title": ", ".join(dict.fromkeys(row.model for row in results.rows)) or "no rows",
        "headline": headline(results),
        "how": how_statement(results.rows),
        "rows": rows,
        "wrong": [item for item in rows if item.row.outputs == "wrong"],
        "best": (*best_of_each(results), *best_of_all(results)),
        "figures": FIGURES,
        "failed_devices": failed_devices(results.devices),
        "failed": [item for item in rows if item.row.failure],
        "predicted": any(row.how == "predicted" for row in results.rows),
        "disturbed": disturbances(results.rows),
        "built_in": any(made.calibration and made.calibration.built_in for made in results.quantizations),
        "columns": columns,
        "bars": _bars(results.rows, columns),
        "facets": _facets(records),
        "kinds": KINDS,
        "counted": [item for item in rows if item.row.instructions is not None],
        "counted_layers": [item for item in rows if item.row.layer_instructions],
        "timed": [item for item in rows if item.row.layers],
        "float_rows": [item for item in rows if item.row.ran_in_int8],
        "metrics": _metrics(results),
        "data": script_json(_data(results, records)),
        "charts": script_json(_charts(results, records)),
        "library": chart_library(),
        "style": asset("report.css"),
        "behaviour": asset("report.js"),
    }


def _columns(rows: Sequence[Row]) -> list[Shown]:
    """Figures known of any row, and the words that a label does not hold; the rest of them is behind each row."""
    first = [column for key in _FIRST for column in COLUMNS if column.key == key]
    rest = [column for column in COLUMNS if column.write is not None and column.key not in _FIRST]
    return shown(rows, first + rest)


def _bars(rows: Sequence[Row], columns: Sequence[Shown]) -> dict[str, float]:
    """Greatest value of each column that shows a bar behind its figures."""
    barred = [item for item in columns if item.column.key in _BARS]
    return {item.key: max(v for row in rows if isinstance(v := item.value(row), (int, float))) for item in barred}


def _facets(records: Sequence[Record]) -> dict[str, list[str]]:
    """What can be chosen from: words that differ between rows, and don't divide them just as an earlier facet does."""
    facets: dict[str, list[str]] = {}
    divisions: list[list[int]] = []
    for facet in _FACETS:
        found = [record[facet] or "none" for record in records]
        words = list(dict.fromkeys(found))
        division = [words.index(word) for word in found]
        if len(words) > 1 and division not in divisions:
            facets[facet] = words
            divisions.append(division)
    return facets


def _metrics(results: Results) -> list[tuple[str, str]]:
    """Fields of the error chart that are known, with what their button says."""
    names = {"sqnr_db": "SQNR [dB]", "rms_lsb": "rms [LSB]", "max_lsb": "greatest [LSB]"}
    return [item for item in names.items() if any(getattr(e, item[0]) is not None for e in results.layer_errors)]


def _data(results: Results, records: list[Record]) -> dict[str, list[Record]]:
    return {
        "rows": records,
        "memory": memory_records(results),
        "layers": layer_records(results),
        "errors": error_records(results),
        "instructions": instruction_records(results),
        "layer_instructions": layer_instruction_records(results),
    }


def _charts(results: Results, records: Sequence[Record]) -> dict[str, Any]:
    """Name → specification; charts of data that nobody has are left out."""
    data = _data(results, list(records))
    charts: dict[str, Any] = {}
    if timed := [record for record in records if record["latency_ms"] is not None]:
        charts["latency"] = latency_chart(_distinct(timed, "engine"), len(_distinct(timed, "slot")))
    sizes = [record[key] for record in data["memory"] for key in ("rss_mib", "peak_mib") if record[key] is not None]
    if sizes:
        phases = _distinct(data["memory"], "phase")
        charts["memory"] = {
            engine: memory_chart(engine, phases, max(sizes)) for engine in _distinct(data["memory"], "engine")
        }
    if data["layers"]:
        charts["layers"] = layer_chart()
    if data["instructions"]:
        charts["instructions"] = instruction_chart(_distinct(data["instructions"], "bar"))
    if data["layer_instructions"]:
        charts["layer_instructions"] = layer_instruction_chart()
    if data["errors"]:
        charts["errors"] = error_chart(_distinct(data["errors"], "series"))
    return charts


def _distinct(records: Iterable[Record], key: str) -> list[str]:
    return list(dict.fromkeys(record[key] for record in records))
