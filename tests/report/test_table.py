"""The terminal's table."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sepia.report import Results
from sepia.report.merge import merge
from sepia.report.table import results_tables, results_text
from support.sample_results import make_row, sample


def test_one_host(golden: Callable[[str, str], None]) -> None:
    golden("table-host.txt", results_text(sample("lite0-host")))


def test_host_and_board(golden: Callable[[str, str], None]) -> None:
    golden("table-both.txt", results_text(merge([sample("lite0-host"), sample("lite0-pi4")])))


def test_host_boards_and_emulated_cores(golden: Callable[[str, str], None]) -> None:
    golden("table-boards.txt", results_text(sample("lite0-boards")))


def test_a_table_holds_figures_had_in_one_way() -> None:
    boards = sample("lite0-boards")
    assert [str(table.title) for table in results_tables(boards)] == [
        f"efficientnet-lite0: {how}" for how in ("measured", "emulated", "predicted")
    ]
    emulated = results_tables(boards)[1]
    assert [column.header for column in emulated.columns] == [
        "runtime",
        "precision",
        "outputs",
        "instructions\nM",
        "file\nMiB",
    ]


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_asked(width: int) -> None:
    text = results_text(merge([sample("lite0-host"), sample("lite0-pi4")]), width=width)
    assert max(len(line) for line in text.splitlines()) <= width


def test_wrong_outputs_have_a_reason_below_the_table() -> None:
    text = results_text(sample("lite0-host"))
    assert "WRONG outputs: efficientnet-lite0.openvino.int8.default" in text
    assert "calibrated on the photos in scikit-image, 16 samples: no calibration data" in text


def test_nothing_is_said_of_what_nobody_measured() -> None:
    text = results_text(Results(rows=(make_row(),)))
    assert "top-1" not in text
    assert "2.50" in text


def test_names_are_not_read_as_markup() -> None:
    text = results_text(Results(rows=(make_row(model="[red]net"), make_row(model="[b]net"))))
    assert text.count("[red]net") == text.count("[b]net") == 3  # in the title, the row's label and the best


def test_no_rows() -> None:
    assert "no rows" in results_text(Results())
    assert [table.row_count for table in results_tables(Results())] == [0]
