"""What a row may not say is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from sepia.report.results import INSTRUCTION_KINDS, Conditions, FloatLayer, LayerInstructions, LayerTime, PhaseMemory
from support.sample_results import make_row


@pytest.mark.parametrize("figure", ["top1", "top5", "agreement", "rms"])
def test_wrong_outputs_carry_no_accuracy(figure: str) -> None:
    with pytest.raises(ValidationError, match=f"outputs are wrong, so {figure} must be null"):
        make_row(outputs="wrong", reason="saturated", images=200, **{figure: 0.5})


def test_wrong_outputs_say_how() -> None:
    with pytest.raises(ValidationError, match="reason must say how"):
        make_row(outputs="wrong")


def test_wrong_outputs_keep_their_latency() -> None:
    assert make_row(outputs="wrong", reason="saturated").latency_ms == 2.5


@pytest.mark.parametrize("figure", ["top1", "agreement", "rms"])
def test_accuracy_needs_the_number_of_images(figure: str) -> None:
    with pytest.raises(ValidationError, match=f"{figure} needs images"):
        make_row(**{figure: 0.5})


@pytest.mark.parametrize("figure", ["latency_ms", "load_ms", "first_ms", "latency_p99_ms"])
def test_emulated_core_has_no_time(figure: str) -> None:
    with pytest.raises(ValidationError, match=f"{figure} must be null"):
        make_row(how="emulated", **{"latency_ms": None} | {figure: 3.0})


def test_emulated_core_has_no_time_by_layer() -> None:
    layers = (LayerTime(layer="stem", op="Conv", time_ms=0.1),)
    with pytest.raises(ValidationError, match="layers must be null"):
        make_row(how="emulated", latency_ms=None, layers=layers)


def test_predicted_latency_needs_its_bound() -> None:
    with pytest.raises(ValidationError, match="needs latency_bound"):
        make_row(how="predicted")
    assert make_row(how="predicted", latency_bound=0.2).latency_bound == 0.2


def test_measured_latency_has_no_bound() -> None:
    with pytest.raises(ValidationError, match="predicted latency_ms only"):
        make_row(latency_bound=0.2)


@pytest.mark.parametrize("figures", [{"latency_ms": 2.0}, {"peak_rss_bytes": 4096}, {"outputs": "right"}])
def test_failed_run_has_no_figures(figures: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="a run that failed has no figures"):
        make_row(**{"latency_ms": None, "failure": "refused"} | figures)


@pytest.mark.parametrize(
    "changes",
    [
        {"top1": 1.2, "images": 5},
        {"latency_ms": 0},
        {"latency_ms": float("nan")},
        {"rms": float("inf"), "images": 5},
        {"peak_rss_bytes": 0},
        {"threads": 0, "target": "host"},
        {"how": "guessed"},
        {"format": "caffe"},
        {"latency": 3.0},
    ],
)
def test_impossible_values_and_unknown_keys_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make_row(**changes)


def test_target_and_threads_agree() -> None:
    with pytest.raises(ValidationError, match="disagree"):
        make_row(target="host-debian12-litert-t4")


def test_percentiles_are_in_order() -> None:
    with pytest.raises(ValidationError, match="not in order"):
        make_row(latency_p90_ms=2.4)


def test_top5_is_no_less_than_top1() -> None:
    with pytest.raises(ValidationError, match="below top1"):
        make_row(top1=0.8, top5=0.7, images=10)


def test_float_row_has_no_recipe() -> None:
    with pytest.raises(ValidationError, match="no recipe"):
        make_row(precision="float", recipe="default")


def test_rows_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        make_row().latency_ms = 1.0  # type: ignore[misc]


def test_unknown_is_none_and_not_zero() -> None:
    row = make_row()
    unknown = ("top1", "rms", "load_ms", "peak_rss_bytes", "arena_bytes", "float_layers", "layers", "before")
    assert [getattr(row, key) for key in unknown] == [None] * len(unknown)
    assert PhaseMemory(phase="load").rss_bytes is None
    assert Conditions().throttled is None


def test_key_tells_rows_apart_and_name_is_readable() -> None:
    row = make_row(recipe="mse")
    assert row.key == ("tiny", "tflite", "int8", "mse", "litert", "host-debian12-litert-t1")
    assert row.name == "tiny.tflite.int8.mse on host-debian12-litert-t1"


@pytest.mark.parametrize(
    ("changes", "ran"),
    [
        ({}, True),
        ({"precision": "float"}, False),
        ({"how": "predicted", "latency_bound": 0.1}, False),
        ({"how": "emulated", "latency_ms": None}, True),
        ({"failure": "refused", "latency_ms": None}, False),
    ],
)
def test_only_rows_that_ran_can_tell_their_layers(changes: dict[str, Any], ran: bool) -> None:
    assert make_row(**changes).ran_in_int8 is ran


def test_no_float_layers_is_not_the_same_as_not_told() -> None:
    assert make_row(float_layers=()).float_layers == ()
    assert make_row(float_layers=(FloatLayer(layer="fc", op="Gemm"),)).float_layers[0].precision == "float32"  # type: ignore[index]


def _counted(**changes: Any) -> dict[str, Any]:
    return {"how": "emulated", "latency_ms": None, "instructions": 30} | changes


def test_kinds_of_instructions_add_up() -> None:
    assert make_row(**_counted(instructions_by_kind={"dot": 10, "load": 20})).instructions == 30
    with pytest.raises(ValidationError, match="instructions_by_kind adds up to 29, and instructions are 30"):
        make_row(**_counted(instructions_by_kind={"dot": 10, "load": 19}))
    with pytest.raises(ValidationError, match="by_kind adds up to 2, and instructions are 3"):
        LayerInstructions(layer="stem", op="Conv", instructions=3, by_kind={"scalar": 2})


def test_kinds_of_instructions_are_known_ones() -> None:
    assert INSTRUCTION_KINDS == ("dot", "multiply", "load", "store", "vector", "scalar")
    with pytest.raises(ValidationError, match="'dot', 'multiply', 'load'"):
        make_row(**_counted(instructions_by_kind={"dots": 30}))


@pytest.mark.parametrize("figures", [{"peak_rss_bytes": 4096}, {"memory": (PhaseMemory(phase="load"),)}])
def test_memory_of_an_emulator_is_not_the_boards(figures: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="memory of an emulated core is the emulator's"):
        make_row(**_counted(**figures))


def test_only_what_was_measured_can_be_disturbed() -> None:
    assert make_row(disturbed=("throttled",), attempts=3).attempts == 3
    with pytest.raises(ValidationError, match="only a measured run can be disturbed"):
        make_row(**_counted(disturbed=("throttled",)))


def test_failed_run_has_no_instructions() -> None:
    with pytest.raises(ValidationError, match="a run that failed has no figures"):
        make_row(**_counted(failure="refused"))
