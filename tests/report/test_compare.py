"""Two results side by side."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sepia.report import Results
from sepia.report.compare import compare, comparison_text
from sepia.report.results import DeviceFacts
from support.sample_results import make_row


def _one(**changes: object) -> Results:
    return Results(rows=(make_row(**changes),))


@pytest.mark.parametrize(
    ("figure", "old", "new", "relative", "better"),
    [
        ("latency_ms", 2.0, 3.0, 0.5, False),
        ("latency_ms", 4.0, 3.0, -0.25, True),
        ("agreement", 0.8, 0.9, 0.125, True),
        ("rms", 0.1, 0.2, 1.0, False),
        ("rms", 0.0, 0.2, None, False),
        ("top1", 0.8, 0.8, 0.0, None),
        ("file_bytes", 100, 50, -0.5, True),
    ],
)
def test_change_of_a_figure(figure: str, old: float, new: float, relative: float | None, better: bool | None) -> None:
    found = compare(_one(images=10, **{figure: old}), _one(images=10, **{figure: new}))
    (change,) = [change for change in found.changes if change.figure == figure]
    assert change.relative == pytest.approx(relative)
    assert change.better is better


def test_unknown_on_one_side_is_no_change() -> None:
    found = compare(_one(), _one(load_ms=3.0))
    assert [change.figure for change in found.changes] == ["latency_ms"]


def test_rows_of_one_side_only_are_named() -> None:
    found = compare(_one(), _one(threads=4))
    assert found.changes == ()
    assert found.only_old == ("tiny.tflite.int8 on host-debian12-litert-t1",)
    assert found.only_new == ("tiny.tflite.int8 on host-debian12-litert-t4",)


def test_measured_is_not_compared_with_predicted() -> None:
    found = compare(_one(), _one(how="predicted", latency_bound=0.1))
    assert found.changes == ()
    assert found.incomparable == ("tiny.tflite.int8 on host-debian12-litert-t1: measured, then predicted",)


@pytest.mark.parametrize(
    ("changes", "new", "better"),
    [
        ({"outputs": "wrong", "reason": "saturated"}, "wrong", False),
        ({"failure": "refused", "latency_ms": None}, "failed", False),
        ({"outputs": "right"}, "right", True),
    ],
)
def test_turned_outputs_are_told(changes: dict[str, object], new: str, better: bool) -> None:
    (turn,) = compare(_one(), _one(**changes)).turns
    assert (turn.old, turn.new, turn.better) == ("not checked", new, better)


def test_as_json() -> None:
    assert json.loads(json.dumps(compare(_one(), _one(latency_ms=5.0)).to_dict()))["changes"][0]["relative"] == 1.0


def test_text(golden: Callable[[str, str], None]) -> None:
    old = Results(
        rows=(
            make_row(latency_p90_ms=2.6, peak_rss_bytes=30 * 2**20, images=200, agreement=0.97, file_bytes=5 * 2**20),
            make_row(threads=2),
            make_row(threads=4),
        )
    )
    new = Results(
        rows=(
            make_row(
                latency_ms=2.0,
                latency_p90_ms=2.61,
                peak_rss_bytes=33 * 2**20,
                images=200,
                agreement=0.95,
                file_bytes=5 * 2**20,
            ),
            make_row(threads=2, outputs="wrong", reason="saturated"),
            make_row(runtime="openvino", format="openvino"),
        )
    )
    golden("comparison.txt", comparison_text(compare(old, new)))


def test_nothing_changed() -> None:
    assert comparison_text(compare(_one(), _one())) == "1 of 1 figures changed by less than 1%.\n"


def test_disturbed_runs_and_failed_boards_are_told() -> None:
    old = Results(rows=(make_row(),))
    board = DeviceFacts(name="attic", failure="attic: unknown host")
    new = Results(rows=(make_row(latency_ms=3.0, disturbed=("throttled",), attempts=3),), devices=(board,))
    text = comparison_text(compare(old, new))
    assert "disturbed, times may not compare: tiny.tflite.int8 on host-debian12-litert-t1, new: throttled" in text
    assert "board failed: attic: unknown host" in text
    assert "disturbed" not in comparison_text(compare(old, old))


def test_instructions_are_compared_in_all_and_by_kind() -> None:
    old, new = (
        make_row(how="emulated", latency_ms=None, instructions=n, instructions_by_kind={"dot": 8, "load": n - 8})
        for n in (20, 10)
    )
    found = {change.figure: change for change in compare(Results(rows=(old,)), Results(rows=(new,))).changes}
    assert (found["instructions"].relative, found["instructions"].better) == (-0.5, True)
    assert (found["instructions_load"].old, found["instructions_load"].new) == (12, 2)
    assert found["instructions_load"].better is None
