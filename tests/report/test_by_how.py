"""A column holds figures that were had in one way."""

from __future__ import annotations

from sepia.report.by_how import every, shown
from sepia.report.columns import FIGURES, UNKNOWN
from support.sample_results import make_row, sample

MEASURED = make_row(file_bytes=2**20)
PREDICTED = make_row(threads=2, how="predicted", latency_bound=0.18, file_bytes=2**20)
TIME = FIGURES["latency_ms"]


def test_headings_say_how_and_files_have_none() -> None:
    columns = shown(sample("lite0-boards").rows, [TIME, FIGURES["instructions"], FIGURES["file_bytes"]])
    assert [column.heading for column in columns] == [
        "p50 measured [ms]",
        "p50 predicted [ms] ±",
        "instructions emulated [M]",
        "file [MiB]",
    ]


def test_a_figure_had_in_another_way_is_unknown() -> None:
    measured, predicted = shown([MEASURED, PREDICTED], [TIME])
    assert [measured.text(row) for row in (MEASURED, PREDICTED)] == ["2.50", UNKNOWN]
    assert [predicted.text(row) for row in (MEASURED, PREDICTED)] == [UNKNOWN, "≈ 2.50 ± 18%"]
    assert measured.value(PREDICTED) is None


def test_a_disturbed_time_has_a_star_and_its_memory_none() -> None:
    row = make_row(disturbed=("throttled",), peak_rss_bytes=2**20)
    assert [column.text(row) for column in shown([row], [TIME, FIGURES["peak_rss_bytes"]])] == ["2.50 *", "1.00"]


def test_times_of_an_emulated_core_have_no_column() -> None:
    assert [column.key for column in every([TIME])] == ["measured.latency_ms", "predicted.latency_ms"]
    assert "emulated.peak_rss_bytes" not in {column.key for column in every()}
    assert len({column.key for column in every()}) == len(every())
