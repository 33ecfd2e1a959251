"""The report as CSV."""

from __future__ import annotations

import csv
from io import StringIO

from sepia.report import Results
from sepia.report.comma_separated import to_csv
from support.sample_results import make_row, sample


def _read(results: Results) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(to_csv(results))))


def test_figures_at_full_precision() -> None:
    host = sample("lite0-host")
    for cells, row in zip(_read(host), host.rows, strict=True):
        assert cells["target"] == row.target
        for key in ("latency_ms", "latency_p99_ms", "rms", "top1", "peak_rss_bytes"):
            value = getattr(row, key)
            assert cells[f"measured.{key}"] == ("" if value is None else str(value))


def test_unknown_is_empty_and_zero_is_zero() -> None:
    cells = _read(Results(rows=(make_row(), make_row(threads=2, float_layers=()))))
    assert [cell["measured.float_layers"] for cell in cells] == ["", "0"]
    assert cells[0]["measured.top1"] == ""


def test_memory_and_conditions_have_columns_of_their_own() -> None:
    host = sample("lite0-host")
    cells, row = _read(host)[0], host.rows[0]
    assert cells["memory.load.peak_rss_bytes"] == str(row.memory[2].peak_rss_bytes)
    assert cells["after.temperature_c"] == "51.0"
    assert cells["before.throttled"] == "False"


def test_commas_and_quotes_are_kept() -> None:
    row = make_row(outputs="wrong", reason='12 % off, "silently"')
    assert _read(Results(rows=(row,)))[0]["reason"] == '12 % off, "silently"'


def test_each_way_of_having_a_figure_has_its_own_column() -> None:
    cells = {row["target"] + row["precision"]: row for row in _read(sample("lite0-boards"))}
    measured, emulated = cells["shed-bookworm64-litert-t4int8"], cells["pi5.emulator-bookworm64-litert-t1int8"]
    predicted = cells["pizero2w-bookworm64-litert-t4int8"]
    assert measured["measured.latency_ms"] == "41.3"
    assert predicted["predicted.latency_ms"] == "52.0"
    assert measured["predicted.latency_ms"] == predicted["measured.latency_ms"] == ""
    assert emulated["emulated.instructions"] == "62900000"
    assert emulated["emulated.instructions_dot"] == "23100000"
    assert not {"latency_ms", "instructions", "emulated.latency_ms"} & set(measured)


def test_disturbed_runs_say_by_what_and_after_how_many_attempts() -> None:
    told = [(row["attempts"], row["disturbed"]) for row in _read(sample("lite0-boards")) if row["disturbed"]]
    assert told == [("3", "the clock was held down by heat (82 °C); the clock was at 1200 of 1400 MHz")]
