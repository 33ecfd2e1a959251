"""`sepia quantize --float-layers`, `--mixed` and `--curve`: what is said, what is left on the disk, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from sepia.cli import main
from sepia.errors import RunError
from support.graphs import tiny_separable

COARSE = 'ranges = "minmax"\nweights = "per-tensor"\nbias_correction = false\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.onnx").write_bytes(tiny_separable().SerializeToString())
    np.save(tmp_path / "data.npy", np.random.default_rng(1).normal(0, 1, (10, 3, 16, 16)).astype(np.float32))
    (tmp_path / "coarse.toml").write_text(COARSE)
    return tmp_path


def run(folder: Path, *options: str, formats: str = "onnx") -> int:
    with pytest.raises(SystemExit) as ended:
        main(["quantize", str(folder), "--calibrate", str(folder / "data.npy"), "--formats", formats, *options])
    return int(str(ended.value.code))


def coarse(folder: Path) -> list[str]:
    return ["--recipe", str(folder / "coarse.toml")]


def test_float_layers(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--float-layers", "head, block3.*", formats="onnx,tflite,openvino") == 0
    said = capfd.readouterr().out
    assert "in float: head (Conv): asked for by the recipe" in said
    told = json.loads((folder / "quantization.json").read_text())
    assert told["settings"]["float_layers"] == ["head", "block3.*"]
    names = {row["layer"] for row in told["float_layers"]}
    assert {"block3.expand", "block3.dw", "head"} <= names
    held = {tensor.name for tensor in onnx.load(str(folder / "model.int8.onnx")).graph.initializer}
    assert {"head.weight", "block3.dw.weight", "fc.weight_quantized"} <= held
    assert (folder / "model.int8.tflite").is_file()
    assert (folder / "model.int8.xml").is_file()


def test_float_layers_go_with_auto(folder: Path) -> None:
    assert run(folder, "--float-layers", "stem", "--recipe", "auto", "--max-loss", "50") == 0
    told = json.loads((folder / "quantization.json").read_text())
    assert "stem" in {row["layer"] for row in told["float_layers"]}


def test_mixed(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(folder, *coarse(folder), "--mixed", "--max-loss", "2") == 0
    said = capfd.readouterr().out
    mixed = json.loads((folder / "quantization.json").read_text())["mixed"]
    assert mixed["reached"]
    assert mixed["loss"] <= 2
    assert f"in float: {len(mixed['float_layers'])} of 10 layers" in said


def test_a_mixed_goal_missed_is_an_error_of_one_line(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(folder, *coarse(folder), "--mixed", "--max-loss", "0") == 1
    assert "only with every layer in float" in capfd.readouterr().err.splitlines()[-1]
    assert not (folder / "model.int8.onnx").exists()


def fake_bench(path: Path, runtime: str, **rest: object) -> dict[str, object]:
    if runtime == "litert":
        raise RunError(path.name, "does not run")
    file = onnx.load(str(path)).graph
    floats = sum(node.op_type in ("Conv", "Gemm") for node in file.node)
    return {"latency": {"p50_ms": 1.0 + floats}, "disturbed": ["swapped"] if floats > 5 else []}


def test_the_curve(folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sepia.devices.local.bench", fake_bench)
    assert run(folder, *coarse(folder), "--curve", "--by", "bytes", formats="onnx,tflite") == 0
    said = capfd.readouterr().out
    table = json.loads((folder / "curve.json").read_text())
    rows = table["rows"]
    assert (rows[0]["float_layers"], rows[0]["float_macs"]) == ([], 0)
    assert (len(rows[-1]["float_layers"]), rows[-1]["loss"]) == (10, 0)
    for number, row in enumerate(rows[:-1]):
        names = {tensor.name for tensor in _graph(folder, number).initializer}
        assert {name for name in row["float_layers"] if f"{name}.weight" in names} == set(row["float_layers"])
        assert sum(name.endswith(".weight") for name in names) == len(row["float_layers"])
        by_format = {file["format"]: file for file in row["files"]}
        assert by_format["onnx"]["file_bytes"] == _file(folder, number).stat().st_size
        assert by_format["tflite"]["failure"].endswith("does not run")
    # The float folder has no TFLite file: its cell is empty, as of one that fails.
    assert [file["format"] for file in rows[-1]["files"]] == ["onnx"]
    assert len(table["sensitivity"]) == 10
    lines = said.splitlines()
    assert lines[0].startswith("recipe coarse: loss in percent of the output's spread, on 2 samples held back")
    assert lines[1].split()[:3] == ["in", "float", "MACs"]
    assert lines[2].split()[0] == "0"
    assert any(line.startswith("* disturbed: swapped") for line in lines)
    assert any("tflite in litert: model.int8.tflite: does not run" in line for line in lines)
    assert not (folder / "model.int8.onnx").exists()


def _file(folder: Path, number: int) -> Path:
    return folder / "curve" / f"{number:02d}" / "model.int8.onnx"


def _graph(folder: Path, number: int) -> onnx.GraphProto:
    return onnx.load(str(_file(folder, number))).graph


@pytest.mark.slow
def test_the_curve_measured(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(folder, *coarse(folder), "--curve", "--json") == 0
    rows = json.loads(capfd.readouterr().out)["rows"]
    assert all(file["latency_ms"] > 0 for row in rows for file in row["files"])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--mixed"], "--mixed: does not say how much may be lost; accepted: --max-loss X"),
        (["--mixed", "--max-loss", "1", "--recipe", "auto"], "--recipe auto: is not for --mixed and --curve"),
        (["--curve", "--recipe", "auto"], "--recipe auto: is not for --mixed and --curve"),
        (["--curve", "--max-loss", "1"], "--curve goes without --mixed and --max-loss"),
        (["--mixed", "--max-loss", "1", "--labels"], "--labels: is not for the recipe 'default'"),
        (["--float-layers", "block1.dv"], "float_layers: no node is called 'block1.dv'; accepted: did you mean block1"),
    ],
)
def test_what_does_not_go_together(
    options: list[str], told: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, *options) == 1
    assert told in capfd.readouterr().err
    assert not (folder / "model.int8.onnx").exists()
