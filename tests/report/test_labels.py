"""Labels say what tells rows apart, and no more."""

from __future__ import annotations

from sepia.report.labels import engine_labels, place, row_labels
from support.sample_results import make_row, sample


def test_one_host_needs_runtimes_only() -> None:
    assert row_labels(sample("lite0-host").rows)[:2] == ("onnxruntime · float", "onnxruntime · int8")


def test_boards_are_told_where_there_are_two() -> None:
    rows = sample("lite0-host").rows + sample("lite0-pi4").rows
    labels = row_labels(rows)
    assert labels[0] == "onnxruntime · host-debian12 · float"
    assert labels[-1] == "tflite-runtime · pi4-bookworm64 · int8"
    assert len(set(labels)) == len(rows)


def test_threads_models_and_formats_are_told_where_they_differ() -> None:
    rows = [make_row(), make_row(threads=4), make_row(model="other"), make_row(format="onnx", runtime="openvino")]
    rows.append(make_row(format="openvino", runtime="openvino"))
    assert engine_labels(rows) == (
        "litert · tiny · 1 thread · tflite",
        "litert · tiny · 4 threads · tflite",
        "litert · other · 1 thread · tflite",
        "openvino · tiny · 1 thread · onnx",
        "openvino · tiny · 1 thread · openvino",
    )


def test_recipes_are_told_where_there_are_two() -> None:
    assert row_labels([make_row(recipe="mse")]) == ("litert · int8",)
    assert row_labels([make_row(recipe="mse"), make_row(recipe="minmax")]) == (
        "litert · int8 (mse)",
        "litert · int8 (minmax)",
    )


def test_one_label_never_hides_two_ways_of_having_figures() -> None:
    rows = [make_row(), make_row(recipe="mse", how="predicted", latency_bound=0.1)]
    assert engine_labels(rows) == ("litert · measured", "litert · predicted")


def test_place_is_board_and_system() -> None:
    assert place(make_row(runtime="tflite-runtime")) == "host-debian12"
    assert place(make_row(target="somewhere")) == "somewhere"


def test_no_rows_no_labels() -> None:
    assert row_labels([]) == ()
