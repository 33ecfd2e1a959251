"""Records that the charts draw."""

from __future__ import annotations

import pytest
from sepia.report import Results
from sepia.report.chart_data import (
    MOST_KINDS,
    error_records,
    instruction_records,
    layer_instruction_records,
    layer_records,
    memory_records,
    row_records,
)
from sepia.report.results import LayerError, LayerInstructions, LayerTime, PhaseMemory
from support.sample_results import make_row, sample


def test_rows_of_one_engine_share_its_label() -> None:
    records = row_records(sample("lite0-host"))
    assert [record["engine"] for record in records[:4]] == ["onnxruntime", "onnxruntime", "litert", "litert"]
    assert [record["slot"] for record in records[:2]] == ["float", "int8 default"]


def test_wrong_outputs_are_written_on_the_bar() -> None:
    record = row_records(sample("lite0-host"))[5]
    assert record["bar_text"] == "5.94 ms   ✗ wrong outputs"
    assert record["accuracy_text"] == "none: outputs are wrong"


def test_a_prediction_shows_its_bound() -> None:
    (record,) = row_records(Results(rows=(make_row(how="predicted", latency_ms=10.0, latency_bound=0.2),)))
    assert (record["latency_low_ms"], record["latency_high_ms"]) == (8.0, 12.0)
    assert record["bar_text"] == "≈ 10.0 ms ± 20%"


def test_measured_whiskers_go_from_min_to_p99_or_are_a_point() -> None:
    wide, narrow = row_records(
        Results(rows=(make_row(latency_min_ms=2.0, latency_p99_ms=3.0), make_row(threads=2, latency_ms=7.0)))
    )
    assert (wide["latency_low_ms"], wide["latency_high_ms"], wide["latency_end_ms"]) == (2.0, 3.0, 3.0)
    assert (narrow["latency_low_ms"], narrow["latency_high_ms"]) == (7.0, 7.0)


def test_memory_in_mebibytes_and_unknown_stays_unknown() -> None:
    row = make_row(memory=(PhaseMemory(phase="load", rss_bytes=3 * 2**20),))
    (record,) = memory_records(Results(rows=(row,)))
    assert (record["rss_mib"], record["peak_mib"], record["peak_text"]) == (3.0, None, "—")


def _layer(op: str, time_ms: float, **rest: str) -> LayerTime:
    return LayerTime(layer=f"{op} layer", op=op, time_ms=time_ms, **rest)


def test_layers_in_order_with_their_share_and_where_they_fell_to_float() -> None:
    layers = (_layer("Conv", 3.0, kind="depthwise", precision="int8"), _layer("Softmax", 1.0, precision="float32"))
    records = layer_records(Results(rows=(make_row(layers=layers),)))
    assert [record["kind"] for record in records] == ["depthwise", "Softmax"]
    assert [record["time_text"] for record in records] == ["3.00 ms, 75.0%", "1.00 ms, 25.0%"]
    assert [record["fell_to_float"] for record in records] == [False, True]


@pytest.mark.parametrize("precision", ["none", None])
def test_moving_data_or_an_untold_precision_is_no_fall_to_float(precision: str | None) -> None:
    layers = (LayerTime(layer="r", op="Reshape", time_ms=0.1, precision=precision),)
    assert not layer_records(Results(rows=(make_row(layers=layers),)))[0]["fell_to_float"]


def test_float_rows_have_not_fallen_to_float() -> None:
    layers = (_layer("Conv", 1.0, precision="float32"),)
    (record,) = layer_records(Results(rows=(make_row(precision="float", layers=layers),)))
    assert not record["fell_to_float"]


@pytest.mark.parametrize("count", [MOST_KINDS, MOST_KINDS + 1, 20])
def test_no_more_kinds_than_colours(count: int) -> None:
    layers = tuple(_layer(f"Op{number}", 1.0 + number) for number in range(count))
    records = layer_records(Results(rows=(make_row(layers=layers),)))
    kinds = {record["kind"] for record in records}
    assert len(kinds) == min(count, MOST_KINDS)
    assert ("other" in kinds) == (count > MOST_KINDS)
    assert records[-1]["kind"] == f"Op{count - 1}"  # the slowest keeps its name


def test_errors_name_recipe_where_there_are_two() -> None:
    errors = tuple(LayerError(model="m", recipe=r, runtime="litert", index=0, layer="x") for r in ("mse", "minmax"))
    series = [record["series"] for record in error_records(Results(layer_errors=errors))]
    assert series == ["mse · litert against float", "minmax · litert against float"]
    assert error_records(Results(layer_errors=errors[:1]))[0]["series"] == "litert against float"


def test_instructions_are_one_record_a_kind_with_the_sum_once() -> None:
    records = [record for record in instruction_records(sample("lite0-boards")) if record["id"] == 13]
    assert [record["kind"] for record in records] == ["dot", "multiply", "load", "store", "vector", "scalar"]
    assert sum(record["millions"] for record in records) == pytest.approx(62.9)
    assert [record["total_text"] for record in records] == ["62.9 M"] + [""] * 5
    assert records[0]["text"] == "23.1 M, 36.7%"
    assert records[0]["bar"] == "litert · int8\npi5.emulator-bookworm64"


def test_instructions_of_unknown_kind_are_one_record() -> None:
    row = make_row(
        instructions=2_000_000, layer_instructions=(LayerInstructions(layer="a", op="Conv", instructions=5),)
    )
    (record,) = instruction_records(Results(rows=(row,)))
    assert (record["kind"], record["total_text"], record["bar"]) == ("not told", "2.0 M (measured)", "litert · int8")
    (layer,) = layer_instruction_records(Results(rows=(row,)))
    assert (layer["kind"], layer["layer_kind"]) == ("not told", "Conv")


def test_disturbed_bars_say_so() -> None:
    (record,) = row_records(Results(rows=(make_row(disturbed=("throttled",)),)))
    assert record["bar_text"] == "2.50 ms   * disturbed"
