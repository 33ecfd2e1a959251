"""The stand-alone measuring program: what it imports, what it prints, and what it catches."""

from __future__ import annotations

import ast
import itertools
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sepia.runtime import bench
from support.bench_program import PROGRAM, QUICK, golden, model_for, run_bench
from support.tiny_models import TinyModel, write_onnx, write_tflite

WEIGHTS = TinyModel.drawn()


def run(runtime: str, model: Path, *more: str) -> tuple[dict[str, Any], int]:
    return run_bench(runtime, "--model", str(model), *more)


# --- it stands alone ----------------------------------------------------------------------------------------------


def test_it_is_python_3_9_and_imports_the_standard_library_alone() -> None:
    tree = ast.parse(PROGRAM.read_text(encoding="utf-8"), feature_version=(3, 9))
    at_top = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    at_top |= {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in at_top} <= sys.stdlib_module_names
    everywhere = {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    everywhere |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    libraries = {name.partition(".")[0] for name in everywhere} - sys.stdlib_module_names
    assert libraries == {"numpy", "onnxruntime", "ai_edge_litert", "tflite_runtime", "openvino"}
    assert not any(node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))


def test_it_uses_nothing_newer_than_python_3_9() -> None:
    """Names and keywords that parse on 3.9 and fail there when they run."""
    tree = ast.parse(PROGRAM.read_text(encoding="utf-8"))
    keywords = {word.arg for node in ast.walk(tree) if isinstance(node, ast.Call) for word in node.keywords}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not keywords & {"strict"}
    assert not attributes & {"file_digest", "bit_count", "pairwise", "UTC"}


def test_a_file_beside_it_does_not_stand_for_a_library(tmp_path: Path) -> None:
    (tmp_path / "bench.py").write_text(PROGRAM.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "onnxruntime.py").write_text("raise SystemExit('the wrong one')")
    model = write_onnx(WEIGHTS, tmp_path / "tiny.onnx")
    command = [sys.executable, "bench.py", "--runtime", "onnxruntime", "--model", model.name, *QUICK]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


# --- what it prints -----------------------------------------------------------------------------------------------

NUMBER = (int, float)
MAYBE = (int, float, type(None))
SHAPE = {
    "schema": int, "runtime": str, "runtime_version": str, "model": str, "model_bytes": int, "model_sha256": str,
    "threads": int, "import_ms": NUMBER, "load_ms": NUMBER, "first_ms": NUMBER, "arena_bytes": MAYBE, "machine": dict,
    "before": dict, "after": dict, "warmup": dict, "latency": dict, "memory": dict, "layers": list, "layers_note": str,
    "inputs": list, "golden": dict, "watch": dict, "disturbed": list,
}  # fmt: skip
FIGURES = {
    "latency": {"p50_ms", "p90_ms", "p99_ms", "min_ms", "max_ms", "mean_ms", "std_ms", "cpu_ms", "count", "seconds"},
    "warmup": {"runs", "seconds", "stable", "rule"},
    "memory": {"phases", "peak_by_phase", "peak_rss_bytes"},
    "machine": {"cpu", "board", "architecture", "cores", "cores_usable", "vnni", "dotprod", "memory_bytes", "system",
                "python"},
    "before": {"frequencies", "temperatures", "throttling", "load_average", "memory_available_bytes",
               "swap_used_bytes"},
    "watch": {"looks", "seconds", "throttled", "throttle_events", "slow", "others_share", "stolen_share",
              "swapped_in_bytes", "swapped_out_bytes", "pages_read_back"},
}  # fmt: skip


@pytest.mark.parametrize("runtime", ["onnxruntime", "litert", "tflite-runtime", "openvino"])
def test_every_runtime_gives_every_figure(runtime: str, tmp_path: Path) -> None:
    image = TinyModel.photo()
    right = WEIGHTS.reference(image)
    if runtime in ("litert", "tflite-runtime"):
        image, right = image.transpose(0, 2, 3, 1), right.transpose(0, 2, 3, 1)
    scale = float(WEIGHTS.ranges()["result"][0])
    told, code = run(
        runtime, model_for(runtime, tmp_path, WEIGHTS), "--golden", golden(tmp_path / "g", image, right, scale)
    )
    assert code == 0
    assert {name: type(told[name]) for name in SHAPE if not isinstance(told[name], SHAPE[name])} == {}
    assert set(told) == set(SHAPE)
    for name, expected in (*FIGURES.items(), ("after", FIGURES["before"])):
        assert set(told[name]) == expected
    latency = told["latency"]
    order = [latency[name] for name in ("min_ms", "p50_ms", "p90_ms", "p99_ms", "max_ms")]
    assert order == sorted(order)
    assert order[0] > 0
    assert latency["seconds"] >= 0.05
    assert [phase["phase"] for phase in told["memory"]["phases"]] == ["baseline", "import", "load", "first", "steady"]
    for phase in told["memory"]["phases"]:
        assert phase["peak_rss_bytes"] >= 0.95 * phase["rss_bytes"] > 1e6
        assert phase["pss_bytes"] <= phase["rss_bytes"]
    assert told["memory"]["peak_rss_bytes"] == max(phase["peak_rss_bytes"] for phase in told["memory"]["phases"])
    assert told["golden"]["ok"], told["golden"]
    assert told["layers"] or told["layers_note"]
    assert {"name", "op", "p50_us"} == set().union(*told["layers"]) or told["layers_note"]


def test_layers_go_by_the_files_names(tmp_path: Path) -> None:
    for runtime in ("onnxruntime", "openvino"):
        told, _ = run(runtime, model_for(runtime, tmp_path, WEIGHTS))
        names = [layer["name"] for layer in told["layers"]]
        assert {"mix", "spread"} <= set(names), names
    told, _ = run("onnxruntime", model_for("onnxruntime", tmp_path, WEIGHTS), "--no-layers")
    assert (told["layers"], told["layers_note"]) == ([], "not asked for")


# --- golden outputs -----------------------------------------------------------------------------------------------


def test_outputs_that_are_not_the_golden_ones_are_caught(tmp_path: Path) -> None:
    model = write_onnx(WEIGHTS, tmp_path / "tiny.onnx")
    images = np.concatenate([TinyModel.photo(seed) for seed in (1, 2, 3)])
    right = np.concatenate([WEIGHTS.reference(image[None]) for image in images])
    told, code = run("onnxruntime", model, "--golden", golden(tmp_path / "right", images, right, {"result": 1e-5}))
    assert (code, told["golden"]["ok"], told["golden"]["samples"]) == (0, True, 3)
    wrong = right.copy()
    wrong[2] += 0.1  # the last sample alone
    told, code = run("onnxruntime", model, "--golden", golden(tmp_path / "wrong", images, wrong, {"result": 1e-2}))
    (output,) = told["golden"]["outputs"]
    assert (code, told["golden"]["ok"], output["reason"]) == (0, False, "rms error above the tolerance")
    assert output["rms"] == pytest.approx(0.1 / 3**0.5, rel=1e-3)
    assert output["max_abs"] == pytest.approx(0.1, rel=1e-3)


def test_codes_are_compared_as_codes(tmp_path: Path) -> None:
    """int8 in and out: tolerance and errors are in codes."""
    model = write_tflite(WEIGHTS, tmp_path / "codes.tflite", int8=True, ends="int8")
    ranges = WEIGHTS.ranges()
    image = TinyModel.photo().transpose(0, 2, 3, 1)
    codes = np.rint(image / ranges["image"][0]).astype(np.int8)
    right = np.rint(WEIGHTS.reference(TinyModel.photo()).transpose(0, 2, 3, 1) / ranges["result"][0]).astype(np.int8)
    told, _ = run("litert", model, "--golden", golden(tmp_path / "g", codes, right, 1.0))
    (output,) = told["golden"]["outputs"]
    assert output["ok"]
    assert output["max_abs"] in (0, 1, 2)
    assert 0.5 < output["equal_share"] <= 1
    told, code = run("litert", model)  # no golden: codes are drawn
    assert (code, told["golden"], told["inputs"][0]["dtype"]) == (0, None, "int8")


RIGHT = np.array([[1.0, 2.0]], np.float32)


@pytest.mark.parametrize(
    ("got", "ok", "reason"),
    [
        (RIGHT, True, ""),
        (RIGHT + np.float32(0.09), True, ""),
        (RIGHT + np.float32(0.11), False, "rms"),
        (RIGHT * np.float32("nan"), False, "not finite"),
        (RIGHT + np.float32("inf"), False, "not finite"),
        (RIGHT.astype(np.float64), False, "is float64"),
        (RIGHT[0], False, r"is float32 [2]"),
        (None, False, "no such output"),
    ],
)
def test_one_output_against_the_golden_one(got: Any, ok: bool, reason: str) -> None:
    told = bench.compare("y", RIGHT, got, 0.1)
    assert told["ok"] is ok
    assert reason in told["reason"] or reason == told["reason"]
    json.dumps(told, allow_nan=False)


def test_unsigned_codes_do_not_wrap_when_they_are_subtracted() -> None:
    told = bench.compare("y", np.array([0, 255], np.uint8), np.array([2, 253], np.uint8), 2.0)
    assert (told["rms"], told["max_abs"], told["ok"], told["equal_share"]) == (2.0, 2.0, True, 0.0)


def test_an_output_that_has_no_golden_is_let_be_but_none_at_all_is_not_right() -> None:
    made = bench.Golden.__new__(bench.Golden)
    made.outputs, made.tolerance = {"y": RIGHT}, 0.1
    assert made.check([{}], lambda feeds: {"y": RIGHT, "z": RIGHT})["ok"]
    made.outputs = {}
    assert not made.check([{}], lambda feeds: {"y": RIGHT})["ok"]


# --- failures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("runtime", ["onnxruntime", "litert", "openvino"])
def test_a_file_that_does_not_load_is_told_in_json(runtime: str, tmp_path: Path) -> None:
    model = model_for(runtime, tmp_path, WEIGHTS)
    model.write_bytes(model.read_bytes()[:300])
    told, code = run(runtime, model)
    assert (code, list(told)) == (1, ["error"])
    assert told["error"]


@pytest.mark.parametrize(
    ("names", "change", "told"),
    [
        (("picture", "result"), lambda array: array, "golden inputs are ['picture'], the file's are ['image']"),
        (("image", "result"), lambda array: array[:, :4], "golden input 'image' is float32 [1, 4, 6, 6]"),
        (("image", "result"), lambda array: array.astype(np.uint8), "golden input 'image' is uint8"),
    ],
)
def test_golden_inputs_that_are_not_the_files_are_refused(tmp_path: Path, names: Any, change: Any, told: str) -> None:
    model = write_onnx(WEIGHTS, tmp_path / "tiny.onnx")
    folder = golden(tmp_path / "g", change(TinyModel.photo()), TinyModel.photo(), 1.0, names=names)
    answer, code = run("onnxruntime", model, "--golden", folder)
    assert code == 1
    assert told in answer["error"]


def test_a_missing_golden_file_is_told_before_the_time_is_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Untouched(bench.Engine):
        def import_library(self) -> None:
            raise AssertionError("too late")

    monkeypatch.setitem(bench.ENGINES, "onnxruntime", Untouched)
    model = write_onnx(WEIGHTS, tmp_path / "tiny.onnx")
    folder = golden(tmp_path / "g", TinyModel.photo(), TinyModel.photo(), 1.0)
    (tmp_path / "g" / "tolerance.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"tolerance\.json"):
        bench.bench(bench.parsed(["--runtime", "onnxruntime", "--model", str(model), "--golden", folder]))


def test_a_missing_file_is_told_in_json(tmp_path: Path) -> None:
    told, code = run("onnxruntime", tmp_path / "none.onnx")
    assert code == 1
    assert "none.onnx" in told["error"]


@pytest.mark.parametrize("more", [("--threads", "0"), ("--seconds", "-1"), ("--seconds", "inf"), ("--runtime", "what")])
def test_options_that_make_no_sense_are_refused(more: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        bench.parsed(["--runtime", "litert", "--model", "x", *more])
    assert stop.value.code == 2
    assert more[0] in capsys.readouterr().err


# --- time ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0.001, 1e4), min_size=2, max_size=50), st.sampled_from([0.0, 0.25, 0.5, 0.9, 0.99, 1.0]))
def test_percentiles_are_numpys(values: list[float], share: float) -> None:
    assert bench.percentile(sorted(values), share) == pytest.approx(np.quantile(values, share), rel=1e-9)


def test_latency_sums_up_the_runs() -> None:
    times = bench.array.array("d", [4.0, 1.0, 3.0, 2.0])
    told = bench.latency(times, 0.5, 0.02)
    assert told["p50_ms"] == told["mean_ms"] == 2.5
    assert told["std_ms"] == pytest.approx(statistics.pstdev(times))
    assert (told["min_ms"], told["max_ms"], told["count"], told["seconds"]) == (1.0, 4.0, 4, 0.5)
    assert told["cpu_ms"] == pytest.approx(5.0)


def clocked(monkeypatch: pytest.MonkeyPatch, milliseconds: Any) -> None:
    """A clock on which each run takes what `milliseconds` gives next."""
    now = [0.0]

    def timed(action: Any) -> float:
        took = next(milliseconds)
        now[0] += took / 1e3
        return took

    monkeypatch.setattr(bench, "timed_ms", timed)
    monkeypatch.setattr(bench.time, "perf_counter", lambda: now[0])


def test_warm_up_goes_on_until_the_times_are_stable(monkeypatch: pytest.MonkeyPatch) -> None:
    clocked(monkeypatch, itertools.chain([40.0] * 5, [30.0] * 5, [20.0] * 5, itertools.repeat(10.0)))
    told = bench.warm_up(lambda: None, 5.0)
    assert (told["runs"], told["stable"]) == (30, True)


def test_warm_up_of_what_never_settles_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clocked(monkeypatch, itertools.count(10.0, 1.0))
    told = bench.warm_up(lambda: None, 2.0)
    assert not told["stable"]
    assert 2.0 <= told["seconds"] < 2.5


def test_warm_up_of_what_is_stable_at_once_still_takes_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    clocked(monkeypatch, itertools.repeat(1.0))
    told = bench.warm_up(lambda: None, 5.0)
    assert told["stable"]
    assert bench.WARM_SECONDS <= told["seconds"] < 2 * bench.WARM_SECONDS


def test_a_slow_file_is_still_run_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    clocked(monkeypatch, itertools.repeat(7000.0))
    times, took, _ = bench.measure(lambda: None, 3.0, 5)
    assert (list(times), took) == ([7000.0] * 5, 35.0)


# --- memory ------------------------------------------------------------------------------------------------------


def test_where_the_peak_cannot_be_reset_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    real = open

    def refuse(path: Any, *rest: Any, **more: Any) -> Any:
        if path == "/proc/self/clear_refs":
            raise PermissionError(path)
        return real(path, *rest, **more)

    monkeypatch.setattr("builtins.open", refuse)
    memory = bench.Memory()
    memory.end("baseline")
    assert memory.told()["peak_by_phase"] is False


def test_the_peak_of_a_phase_is_that_phases_own() -> None:
    memory = bench.Memory()
    if not memory.resets:
        pytest.skip("this kernel does not let the peak be reset")
    block = bytearray(200 << 20)
    block[::4096] = b"x" * len(block[::4096])
    memory.end("much")
    del block
    memory.end("little")
    memory.end("least")
    much, _, least = (phase["peak_rss_bytes"] for phase in memory.phases)
    assert much - least > 150 << 20
