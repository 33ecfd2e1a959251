"""Inferences between marks, for an observer of the processor; and many files in one process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sepia.runtime import bench
from support.bench_program import golden, model_for, run_bench
from support.tiny_models import TinyModel, write_onnx

WEIGHTS = TinyModel.drawn()
TIMES = ("import_ms", "load_ms", "first_ms", "warmup", "latency", "watch", "memory")


class Watched(bench.OnnxRuntime):
    """Tells each inference to `seen`."""

    seen: list[Any] = []  # noqa: RUF012 - of the class, as the program makes the engine

    def run(self, feeds: bench.Feeds) -> dict[str, Any]:
        self.seen.append("run")
        return super().run(feeds)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Marks, as numbers, and inferences in their order."""
    Watched.seen = found = []
    close = os.close

    def told(number: int) -> None:
        if number >= bench.MARK:
            found.append(number - bench.MARK)
        close(number)

    monkeypatch.setattr(bench.os, "close", told)
    monkeypatch.setitem(bench.ENGINES, "onnxruntime", Watched)
    return found


def counted(*arguments: str) -> dict[str, Any]:
    options = bench.parsed(["--runtime", "onnxruntime", *arguments])
    return bench.action(options)(options)


def listed(folder: Path, *models: Path, images: Any = None) -> Path:
    """A list of `models`, each with its own folder below `folder` for inputs and outputs."""
    runs = []
    for number, model in enumerate(models):
        (folder / f"{number}").mkdir()
        np.savez(folder / f"{number}" / "inputs.npz", image=TinyModel.photo(number) if images is None else images)
        paths = {"inputs": f"{number}/inputs.npz", "outputs": f"{number}/outputs.npz"}
        runs.append({"name": f"layer {number}", "model": os.path.relpath(model, folder), **paths})
    path = folder / "files.json"
    path.write_text(json.dumps({"runs": runs}))
    return path


def outputs(folder: Path, number: int) -> Any:
    with np.load(folder / f"{number}" / "outputs.npz") as file:
        assert file.files == ["result"]
        return file["result"]


# --- counted ------------------------------------------------------------------------------------------------------


def test_each_inference_stands_between_its_own_two_marks(tmp_path: Path, seen: list[Any]) -> None:
    model = write_onnx(WEIGHTS, tmp_path / "tiny.onnx")
    told = counted("--model", str(model), "--counted", "3")
    assert seen == ["run", 0, "run", 1, 2, "run", 3, 4, "run", 5]
    assert told["counted"] == [0, 1, 2]


def test_the_check_of_outputs_is_not_counted(tmp_path: Path, seen: list[Any]) -> None:
    model, image = write_onnx(WEIGHTS, tmp_path / "tiny.onnx"), TinyModel.photo()
    folder = golden(tmp_path / "g", image, WEIGHTS.reference(image), 1e-5)
    told = counted("--model", str(model), "--counted", "1", "--golden", folder)
    assert seen == ["run", 0, "run", 1, "run"]
    assert told["golden"]["ok"]


@pytest.mark.parametrize("runtime", ["onnxruntime", "litert", "tflite-runtime", "openvino"])
def test_nothing_is_timed_where_inferences_are_counted(runtime: str, tmp_path: Path) -> None:
    model = model_for(runtime, tmp_path, WEIGHTS)
    told, code = run_bench(runtime, "--model", str(model), "--counted", "2")
    assert (code, told["counted"], told["layers"]) == (0, [0, 1], [])
    assert [told[name] for name in TIMES] == [None] * len(TIMES)
    timed, _ = run_bench(runtime, "--model", str(model), "--no-layers")
    assert set(told) - {"counted"} == set(timed)


# --- a list of files ----------------------------------------------------------------------------------------------


def test_every_file_of_a_list_is_run_and_its_outputs_are_written(tmp_path: Path, seen: list[Any]) -> None:
    others = TinyModel.drawn(7)
    models = write_onnx(WEIGHTS, tmp_path / "a.onnx"), write_onnx(others, tmp_path / "b.onnx")
    told = counted("--list", str(listed(tmp_path, *models)))
    assert [run["name"] for run in told["runs"]] == ["layer 0", "layer 1"]
    assert seen == ["run", "run"]
    for number, weights in enumerate((WEIGHTS, others)):
        np.testing.assert_allclose(outputs(tmp_path, number), weights.reference(TinyModel.photo(number)), atol=1e-5)


def test_intervals_of_a_list_are_numbered_through(tmp_path: Path, seen: list[Any]) -> None:
    model = write_onnx(WEIGHTS, tmp_path / "tiny.onnx")
    told = counted("--list", str(listed(tmp_path, model, model)), "--counted", "2")
    assert seen == ["run", 0, "run", 1, 2, "run", 3, "run", 4, "run", 5, 6, "run", 7]
    assert [run["counted"] for run in told["runs"]] == [[0, 1], [2, 3]]


def test_samples_are_run_one_by_one_and_their_outputs_stacked(tmp_path: Path, seen: list[Any]) -> None:
    images = np.concatenate([TinyModel.photo(seed) for seed in (1, 2, 3)])
    model = write_onnx(WEIGHTS, tmp_path / "tiny.onnx")
    told = counted("--list", str(listed(tmp_path, model, images=images)))
    assert (seen, told["runs"][0]["samples"]) == (["run"] * 3, 3)
    right = np.concatenate([WEIGHTS.reference(image[None]) for image in images])
    np.testing.assert_allclose(outputs(tmp_path, 0), right, atol=1e-5)


def test_a_run_that_fails_keeps_its_reason_and_its_number(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    model = write_onnx(WEIGHTS, tmp_path / "tiny.onnx")
    path = listed(tmp_path, broken, model, model)
    np.savez(tmp_path / "1" / "inputs.npz", image=TinyModel.photo()[:, :4])
    told, code = run_bench("onnxruntime", "--list", str(path), "--counted", "1")
    first, second, third = told["runs"]
    assert code == 0
    assert "Protobuf parsing failed" in first["error"]
    assert "golden input 'image' is float32 [1, 4, 6, 6]" in second["error"]
    assert (third["counted"], third["samples"]) == ([2], 1)
    assert not (tmp_path / "0" / "outputs.npz").exists()
    np.testing.assert_allclose(outputs(tmp_path, 2), WEIGHTS.reference(TinyModel.photo(2)), atol=1e-5)


def test_a_library_that_is_not_there_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bench.sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match="onnxruntime"):
        counted("--list", str(listed(tmp_path, tmp_path / "none.onnx")))


def test_which_run_is_under_way_is_said_before_it_begins(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crashing(bench.OnnxRuntime):
        def load(self) -> None:
            raise SystemExit("crashed")

    monkeypatch.setitem(bench.ENGINES, "onnxruntime", Crashing)
    with pytest.raises(SystemExit):
        counted("--list", str(listed(tmp_path, tmp_path / "none.onnx")))
    assert capfd.readouterr().err == "run 1 of 1: layer 0\n"


@pytest.mark.parametrize(
    "arguments", [("--model", "x", "--list", "y"), ("--counted", "2"), ("--list", "y", "--counted", "0")]
)
def test_one_file_or_a_list_and_a_number_of_inferences(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        bench.parsed(["--runtime", "litert", *arguments])
    assert stop.value.code == 2
    assert capsys.readouterr().err


def test_onnx_runtime_keeps_no_usage_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    _, code = run_bench("onnxruntime", "--model", str(model_for("onnxruntime", tmp_path, WEIGHTS)), "--counted", "1")
    assert code == 0
    assert not [path for folder in ("home", "cache") for path in (tmp_path / folder).rglob("*") if path.is_file()]
