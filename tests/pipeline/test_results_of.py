"""Bench, check and accuracy joined into rows: wrong wherever anything says so, and then without accuracy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sepia.check.model_folder import ModelFolder, network_digests
from sepia.errors import InputError
from sepia.files import write_text
from sepia.pipeline.results_of import results_of
from sepia.report.results import save_results
from support.graphs import tiny_separable

CONDITIONS: dict[str, Any] = {
    "frequencies": [{"now_mhz": 1500.0, "governor": "performance"}],
    "temperatures": [{"zone": "cpu", "celsius": 50.0}],
    "throttling": {"now": [], "since_boot": []},
    "load_average": [0.5, 0.4, 0.3],
}
LOADED = {"phase": "load", "rss_bytes": 7, "pss_bytes": 7, "peak_rss_bytes": 8}


def bench(*, ok: bool = True) -> dict[str, Any]:
    output = {"output": "logits", "ok": ok, "reason": "" if ok else "not finite"}
    measured = {
        "runtime_version": "1",
        "latency": {"p50_ms": 2.0, "p90_ms": 3.0, "p99_ms": 4.0, "min_ms": 1.0, "mean_ms": 2.1, "count": 9},
        "load_ms": 5.0,
        "first_ms": 6.0,
        "before": CONDITIONS,
        "after": CONDITIONS,
        "memory": {
            "phases": [{"phase": "load", "rss_bytes": 7, "pss_bytes": 7, "peak_rss_bytes": 8}],
            "peak_rss_bytes": 8,
        },
        "arena_bytes": None,
        "golden": {"ok": ok, "outputs": [output]},
        "layers": [{"name": "nobody knows", "op": "X", "p50_us": 1500.0}],
        "machine": {"cpu": "a", "cores": 2},
    }
    row = {
        "format": "onnx",
        "precision": "int8",
        "file": "model.int8.onnx",
        "file_bytes": 10,
        "runtime": "onnxruntime",
        "target": "host-debian12-onnxruntime-t1",
        "threads": 1,
        "how": "measured",
        "bench": measured,
    }
    return {"rows": [row], "devices": [{"name": "host-debian12", "machine": measured["machine"]}]}


ACCURACY = {
    "runtime": "onnxruntime",
    "file": "model.int8.onnx",
    "images": 10,
    "outputs": "right",
    "top1": 0.8,
    "top5": 0.9,
    "agreement": 0.95,
    "rms": 0.1,
    "reason": "",
}


DEPTH = [{"index": 0, "layer": "stem", "kind": "standard", "sqnr_db": 30.0, "rms_lsb": 0.5}]


def said(folder: ModelFolder, path: Path, found: dict[str, Any]) -> None:
    """As a step writes it: with the digests of the network files that it ran."""
    write_text(path, json.dumps({"digests": network_digests(folder.artifacts())} | found))


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    folder = ModelFolder(tmp_path)
    folder.artifact("onnx", "float").path.write_bytes(tiny_separable().SerializeToString())
    folder.artifact("onnx", "int8").path.write_bytes(b"quantised")
    said(folder, folder.accuracy, {"data": "photos", "rows": [ACCURACY]})
    return folder


def test_a_right_row_has_everything(folder: ModelFolder) -> None:
    said(folder, folder.bench, bench())
    (row,) = results_of(folder, source="mine.py:net").rows
    assert (row.outputs, row.top1, row.latency_ms, row.peak_rss_bytes) == ("right", 0.8, 2.0, 8)
    assert row.layers is not None
    assert row.layers[0].time_ms == 1.5
    assert row.before is not None
    assert (row.before.temperature_c, row.before.throttled, row.before.load_average) == (50.0, False, 0.5)


def test_wrong_golden_outputs_take_the_accuracy_away(folder: ModelFolder) -> None:
    said(folder, folder.bench, bench(ok=False))
    (row,) = results_of(folder).rows
    assert (row.outputs, row.top1, row.agreement) == ("wrong", None, None)
    assert row.reason == "logits: not finite"


def test_what_the_check_calls_wrong_is_wrong(folder: ModelFolder) -> None:
    said(folder, folder.bench, bench())
    row = {"runtime": "onnxruntime", "file": "model.int8.onnx", "wrong": "saturates"}
    said(folder, folder.check, {"whole": [row], "verdicts": [], "depth": []})
    (found,) = results_of(folder).rows
    assert (found.outputs, found.reason, found.top1) == ("wrong", "saturates", None)


def test_a_run_that_failed_keeps_its_reason(folder: ModelFolder) -> None:
    found = bench()
    del found["rows"][0]["bench"]
    found["rows"][0]["failure"] = "ended by SIGKILL"
    said(folder, folder.bench, found)
    (row,) = results_of(folder).rows
    assert (row.failure, row.latency_ms) == ("ended by SIGKILL", None)


def test_the_source_is_remembered_by_a_bench_of_its_own(folder: ModelFolder) -> None:
    said(folder, folder.bench, bench())
    save_results(results_of(folder, source="mine.py:net"), folder.results)
    assert results_of(folder).models[0].source == "mine.py:net"


def test_figures_of_files_made_since_are_unknown(folder: ModelFolder) -> None:
    said(folder, folder.bench, bench())
    said(folder, folder.check, {"whole": [], "verdicts": [], "depth": DEPTH})
    before = results_of(folder)
    assert (before.rows[0].top1, len(before.layer_errors)) == (0.8, 1)
    folder.artifact("onnx", "int8").path.write_bytes(b"quantised again")
    with pytest.raises(InputError, match="is of other network files than are here; next: run: sepia bench"):
        results_of(folder)
    said(folder, folder.bench, bench())
    after = results_of(folder)
    assert (after.rows[0].latency_ms, after.rows[0].top1, after.data) == (2.0, None, None)
    assert after.layer_errors == ()


def test_nothing_benchmarked(folder: ModelFolder) -> None:
    with pytest.raises(InputError, match="no such file; next: make it with: sepia bench"):
        results_of(folder)
