"""Figures go with the file that they are of, and bound it only where they were measured on that very target."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sepia.errors import InputError
from sepia.report.results import FileFacts, Results
from sepia.ship.agent.manifest import Bounds
from sepia.ship.figures import bounds_of, figures_json, results_in, rows_of
from support.sample_results import make_row

FILE, SHA256 = "model.int8.tflite", "a" * 64
TARGET = "pi4-bookworm64-litert-t1"


def _row(**changes: Any) -> Any:
    return make_row(**{"file": FILE, "target": TARGET, "latency_ms": 10.0, "peak_rss_bytes": 1000} | changes)


def _results(*rows: Any, sha256: str = SHA256) -> Results:
    return Results(files=(FileFacts(model="tiny", file=FILE, sha256=sha256),), rows=rows, data="photos")


def test_no_results_are_none(tmp_path: Path) -> None:
    assert results_in(tmp_path / "results.json") is None
    assert rows_of(None, FILE, SHA256) == ()


def test_spoilt_results_are_told(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        results_in(tmp_path / "results.json")


def test_rows_of_another_file_are_left_out() -> None:
    here, failed = _row(), _row(target="pi3-bookworm64-litert-t1", latency_ms=None, peak_rss_bytes=None, failure="x")
    other = _row(file="model.tflite", precision="float")
    assert rows_of(_results(here, failed, other), FILE, SHA256) == (here,)
    assert rows_of(_results(here, sha256="b" * 64), FILE, SHA256) == ()


def test_each_figure_is_told_with_how_it_was_had_and_none_that_is_unknown() -> None:
    rows = (_row(), _row(target="pi0-bookworm64-litert-t1", how="predicted", latency_bound=0.1, peak_rss_bytes=None))
    measured, predicted = json.loads(figures_json(_results(*rows), rows))["rows"]
    assert (measured["how"], measured["latency_ms"], measured["peak_rss_bytes"]) == ("measured", 10.0, 1000)
    assert (predicted["how"], predicted["latency_bound"]) == ("predicted", 0.1)
    assert "peak_rss_bytes" not in predicted and "disturbed" not in measured


def test_a_figure_that_is_nought_is_told() -> None:
    rows = (_row(top1=0.0, top5=0.0, images=10),)
    assert json.loads(figures_json(_results(*rows), rows))["rows"][0]["top1"] == 0.0


@pytest.mark.parametrize(
    ("changes", "bounds"),
    [
        ({}, Bounds(15.0, 1250)),
        ({"peak_rss_bytes": None}, Bounds(15.0, None)),
        ({"latency_ms": None}, Bounds(None, 1250)),
        ({"target": "pi5-bookworm64-litert-t1"}, Bounds()),
        ({"how": "predicted", "latency_bound": 0.1, "peak_rss_bytes": None}, Bounds()),
        ({"disturbed": ("swapped",)}, Bounds()),
    ],
    ids=str,
)
def test_bounds_come_from_an_undisturbed_measurement_of_that_target(changes: dict[str, Any], bounds: Bounds) -> None:
    assert bounds_of((_row(**changes),), TARGET) == bounds


def test_the_callers_bounds_count_more_one_by_one() -> None:
    assert bounds_of((_row(),), TARGET, max_latency_ms=3) == Bounds(3, 1250)
    assert bounds_of((_row(),), TARGET, max_rss_mb=0.5) == Bounds(15.0, 500_000)
    assert bounds_of((), TARGET, max_latency_ms=3, max_rss_mb=1) == Bounds(3, 1_000_000)
