"""Which targets are named: right ones alone, and never across two ways of having figures."""

from __future__ import annotations

from typing import Any

from sepia.report import Results, Row
from sepia.report.best import best_of_all, best_of_each, best_statements
from support.sample_results import make_row, sample


def _on(board: str, runtime: str = "litert", threads: int = 1, **changes: Any) -> Row:
    target = f"{board}-bookworm64-{runtime}-t{threads}"
    return make_row(runtime=runtime, threads=threads, target=target, **{"outputs": "right"} | changes)


def test_fastest_is_right_and_measured() -> None:
    rows = (
        _on("pi4", "openvino", latency_ms=1.0, outputs="wrong", reason="saturated"),
        _on("pi4", "onnxruntime", latency_ms=2.0, outputs="not checked"),
        _on("pi4", "tflite-runtime", latency_ms=None, outputs="not checked", failure="refused"),
        _on("pi4", latency_ms=9.0),
        _on("pi4", threads=4, latency_ms=4.0),
        _on("pi4", threads=2, latency_ms=0.5, how="predicted", latency_bound=0.2),
    )
    (best,) = best_of_each(Results(rows=rows))
    assert best.fastest is rows[4]
    assert (best.rows, best.right, best.wrong, best.failed) == (5, 2, 1, 1)


def test_smallest_in_memory_and_on_disk_are_two_things() -> None:
    lean, small = _on("pi4", peak_rss_bytes=10, file_bytes=9), _on("pi4", threads=2, peak_rss_bytes=20, file_bytes=5)
    twin = _on("pi4", threads=4, peak_rss_bytes=19, file_bytes=5)
    (best,) = best_of_each(Results(rows=(small, lean, twin)))
    assert best.leanest is lean
    assert best.smallest is twin


def test_an_emulated_core_has_fewest_instructions_and_no_fastest() -> None:
    few, many = (
        _on("pi4.emulator", r, how="emulated", latency_ms=None, instructions=n)
        for r, n in (("litert", 5), ("onnxruntime", 7))
    )
    (best,) = best_of_each(Results(rows=(many, few)))
    assert (best.fewest, best.fastest, best.leanest) == (few, None, None)


def test_all_devices_together_are_measured_ones() -> None:
    assert best_of_all(Results(rows=(_on("pi4"), _on("pi4", threads=2)))) == ()
    rows = (_on("pi4"), _on("pi5", latency_ms=1.0), _on("pi6.emulator", how="emulated", latency_ms=None))
    (best,) = best_of_all(Results(rows=rows))
    assert (best.where, best.fastest, best.rows) == ("all 2 devices together", rows[1], 2)


def test_sentences() -> None:
    told = best_statements(sample("lite0-boards"))
    assert told[1] == (
        "shed-bookworm64, measured: the fastest that is right is shed-bookworm64-litert-t4 (int8 tflite), p50 41.3 ms; "
        "the least memory is taken by shed-bookworm64-litert-t1 (int8 tflite), peak RSS 48.2 MiB; "
        "the smallest file is model.int8.tflite, 4.93 MiB."
    )
    assert told[3].startswith(
        "pi5.emulator-bookworm64, emulated: of those that are right, the fewest instructions are taken by "
        "pi5.emulator-bookworm64-litert-t1 (int8 tflite), 62.9 M;"
    )
    assert told[4] == "armv7.emulator-bookworm32, emulated: no target is known to be right (1 wrong)."


def test_a_disturbed_winner_says_so_and_several_networks_are_named() -> None:
    rows = (_on("pi4", disturbed=("throttled",)), _on("pi4", model="other"))
    first, second = best_statements(Results(rows=rows))
    assert first.startswith("tiny on pi4-bookworm64, measured: ")
    assert first.endswith("p50 2.50 ms, though its run was disturbed.")
    assert second.startswith("other on pi4-bookworm64, measured: ")
