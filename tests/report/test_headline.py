"""The figures on top of the page."""

from __future__ import annotations

import pytest
from sepia.report import Results
from sepia.report.headline import headline, wilson
from support.sample_results import make_row, sample


def test_host_sample() -> None:
    found = headline(sample("lite0-host"))
    assert found is not None
    assert found.subject == "efficientnet-lite0 on host-debian12, measured"
    assert [(tile.title, tile.value, tile.unit) for tile in found.tiles] == [
        ("Quickest int8, p50", "7.18", "ms"),
        ("Agreement with float", "0.970", ""),
        ("Top-1", "0.840", ""),
        ("Smallest peak memory", "42.2", "MiB"),
        ("File", "4.93", "MiB"),
    ]
    assert found.tiles[0].note == "litert, 1 thread, 1.82× as fast as float"


def test_wrong_and_failed_rows_win_nothing() -> None:
    rows = (
        make_row(runtime="openvino", latency_ms=0.1, outputs="wrong", reason="saturated"),
        make_row(runtime="tflite-runtime", latency_ms=None, failure="refused"),
        make_row(latency_ms=5.0),
    )
    found = headline(Results(rows=rows))
    assert found is not None
    assert found.tiles[0].value == "5.00"
    assert headline(Results(rows=rows[:2])) is None


def test_measured_and_predicted_are_not_mixed() -> None:
    predicted = make_row(runtime="onnxruntime", format="onnx", latency_ms=0.1, how="predicted", latency_bound=0.2)
    found = headline(Results(rows=(predicted, make_row(latency_ms=5.0))))
    assert found is not None
    assert (found.subject, found.tiles[0].value) == ("tiny on host-debian12, measured", "5.00")
    found = headline(Results(rows=(predicted,)))
    assert found is not None
    assert (found.subject, found.tiles[0].value) == ("tiny on host-debian12, predicted", "≈ 0.100")


@pytest.mark.parametrize(
    ("share", "count", "low", "high"),
    # From the formula by hand; for 0 of 10 it is z²/(n + z²).
    [(0.0, 10, 0.0, 0.2775), (1.0, 10, 0.7225, 1.0), (0.5, 100, 0.4038, 0.5962)],
)
def test_wilson(share: float, count: int, low: float, high: float) -> None:
    assert wilson(share, count) == pytest.approx((low, high), abs=1e-4)


def test_a_board_goes_before_the_machine_it_was_measured_from() -> None:
    found = headline(sample("lite0-boards"))
    assert found is not None
    assert (found.subject, found.tiles[0].value) == ("efficientnet-lite0 on shed-bookworm64, measured", "41.3")


def test_an_emulated_core_shows_instructions_and_no_time() -> None:
    emulated = make_row(how="emulated", latency_ms=None, instructions=62_900_000)
    found = headline(Results(rows=(emulated,)))
    assert found is not None
    assert [(tile.title, tile.value, tile.unit) for tile in found.tiles] == [("Fewest instructions", "62.9", "M")]
    assert "no time" in found.tiles[0].note


def test_a_disturbed_winner_says_so() -> None:
    found = headline(Results(rows=(make_row(disturbed=("throttled",)),)))
    assert found is not None
    assert found.tiles[0].note.endswith("its run was disturbed")
