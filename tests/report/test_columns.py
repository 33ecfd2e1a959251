"""How figures are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sepia.report.columns import COLUMNS, FIGURES, UNKNOWN, in_megabytes, in_millions, significant
from sepia.report.row import ACCURACY, TIMES
from support.sample_results import make_row


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (4.5, "4.50"),
        (14.26, "14.3"),
        (143.4, "143"),
        (1234.5, "1230"),
        (0.01234, "0.0123"),
        (9.996, "10.00"),
        (-2.0, "-2.00"),
        (5e-7, "0.000000500"),
    ],
)
def test_three_significant_digits(value: float, text: str) -> None:
    assert significant(value) == text


@given(st.floats(1e-6, 1e9))
def test_significant_is_close_and_has_no_exponent(value: float) -> None:
    text = significant(value)
    assert "e" not in text
    assert abs(float(text) / value - 1) <= 0.0051


def test_megabytes_are_binary() -> None:
    assert in_megabytes(3 * 2**20) == "3.00"


def test_unknown_is_a_dash_and_known_zero_is_not() -> None:
    row = make_row(float_layers=())
    assert FIGURES["top1"].text(row) == UNKNOWN
    assert FIGURES["float_layers"].text(row) == "0"
    assert FIGURES["float_layers"].text(make_row()) == UNKNOWN


def test_predicted_figures_are_marked_but_sizes_are_not() -> None:
    row = make_row(how="predicted", latency_bound=0.1, file_bytes=2**20)
    assert FIGURES["latency_ms"].text(row) == "≈ 2.50"
    assert FIGURES["file_bytes"].text(row) == "1.00"


def test_tiny_errors_do_not_read_as_zero() -> None:
    texts = [FIGURES["rms"].text(make_row(images=1, rms=rms)) for rms in (0.1271, 2.1e-6, 0.0)]
    assert texts == ["0.127", "2.1e-06", "0.000"]


def test_every_accuracy_and_time_has_a_column_with_a_direction() -> None:
    assert all(FIGURES[key].better for key in (*ACCURACY, *TIMES))


def test_headings_carry_units() -> None:
    assert FIGURES["latency_ms"].heading == "p50 [ms]"
    assert FIGURES["peak_rss_bytes"].heading == "peak RSS [MiB]"
    assert FIGURES["top1"].heading == "top-1"


def test_keys_are_fields_of_a_row() -> None:
    assert {column.key for column in COLUMNS} <= set(type(make_row()).model_fields)


def test_instructions_in_millions_and_by_kind() -> None:
    assert [in_millions(count) for count in (139_900_000, 1_234_567_890, 42_400, 0)] == [
        "139.9",
        "1,234.6",
        "0.042",
        "0",
    ]
    row = make_row(how="emulated", latency_ms=None, instructions=30, instructions_by_kind={"dot": 30})
    assert [FIGURES[f"instructions_{kind}"].value(row) for kind in ("dot", "load")] == [30, 0]
    assert FIGURES["instructions_dot"].value(make_row()) is None
