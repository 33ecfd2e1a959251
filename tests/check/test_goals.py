"""The product's goals on whole networks, quantised by Sepia itself: the tiny one always, the real ones when asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.check.accuracy import accuracy
from sepia.check.layers import check_layers
from sepia.check.verdict import verdicts
from sepia.check.whole import GREATEST_SPREAD, check_whole, spread
from sepia.errors import RuntimeUnavailable
from sepia.export.onnx_to_openvino import onnx_to_openvino
from sepia.export.onnx_to_tflite import onnx_to_tflite
from sepia.inputs.calibration import CalibrationData, calibration_data
from sepia.inputs.labelled_folder import LabelledFolder
from sepia.models.zoo import ZOO
from sepia.quantize.quantize import quantize
from sepia.quantize.recipes import recipe
from sepia.runtime import RUNTIMES
from support.fake_runtime import FakeFile
from support.float_and_int8 import noise
from support.graphs import tiny_separable

FORMATS = (("onnx", ".onnx"), ("tflite", ".tflite"), ("openvino", ".xml"))


@pytest.fixture(scope="module")
def runtimes() -> list[str]:
    """Those that run here: tflite-runtime has no wheel for every Python."""
    found = []
    for name, runtime in RUNTIMES.items():
        try:
            runtime.version()
            found.append(name)
        except RuntimeUnavailable:
            continue
    assert {"onnxruntime", "litert", "openvino"} <= set(found)
    return found


def _files(source: Path, data: CalibrationData, folder: Path, name: str = "minmax") -> list[FakeFile]:
    """Every format, float and int8."""
    made = folder / "model.int8.onnx"
    quantize(source, made, data, recipe(name))
    files = []
    for path, precision in ((source, "float"), (made, "int8")):
        onnx_to_tflite(path, folder / f"{path.stem}.tflite")
        onnx_to_openvino(path, folder / f"{path.stem}.xml")
        files += [
            FakeFile(path if suffix == ".onnx" else folder / f"{path.stem}{suffix}", format_, precision)
            for format_, suffix in FORMATS
        ]
    return files


def _qdq(files: list[FakeFile]) -> Path:
    return next(file.path for file in files if (file.format, file.precision) == ("onnx", "int8"))


def _assert_goals(qdq: Path, runtimes: list[str], data) -> None:
    for verdict in verdicts(check_layers(qdq, runtimes, data, samples=2)):
        assert verdict.passed, (verdict.runtime, verdict.share, dict(verdict.broken))
        assert verdict.float_layers == {}, verdict.runtime
        assert verdict.max_lsb <= 1


def test_a_tiny_network_layer_by_layer_and_whole(runtimes, tmp_path):
    source = tmp_path / "model.onnx"
    source.write_bytes(tiny_separable((32, 32), channels=16, classes=40).SerializeToString())
    samples = noise(24, (32, 32))
    data = CalibrationData("noise", False, len(samples), lambda: iter(samples))

    files = _files(source, data, tmp_path)

    _assert_goals(_qdq(files), runtimes, data)
    rows = check_whole(files, runtimes, data, samples=24)
    assert [row.failure or row.wrong for row in rows] == [""] * len(rows)
    floats, int8s = ([row for row in rows if row.precision == precision] for precision in ("float", "int8"))
    assert max(row.rms for row in floats) < 1e-4
    assert all(row.float_layers == () for row in int8s)
    assert spread(rows) <= GREATEST_SPREAD


@pytest.mark.slow
def test_lite0_on_photos(runtimes, lite0_float, photos, tmp_path):
    entry = ZOO["efficientnet-lite0"]
    calibration = calibration_data(photos / "calibration", {"input": entry.input_shape}, entry.preparation, limit=64)

    files = _files(lite0_float, calibration, tmp_path, "default")

    _assert_goals(_qdq(files), runtimes, calibration)
    rows = accuracy(files, LabelledFolder(photos / "validation"), entry.preparation, runtimes)
    floats, int8s = ([row for row in rows if row.precision == precision] for precision in ("float", "int8"))
    assert [row.outputs for row in rows] == ["right"] * len(rows)
    assert {row.top1 for row in floats} == {0.845}
    assert min(row.agreement for row in int8s) >= 0.97
    assert max(row.rms for row in int8s) <= 0.13
    assert max(row.rms for row in int8s) <= 1.05 * min(row.rms for row in int8s)


@pytest.mark.slow
def test_mobilenet_v2_layer_by_layer(runtimes, mobilenet_v2_float, tmp_path):
    entry = ZOO["mobilenet-v2"]
    data = calibration_data(None, {"input": entry.input_shape}, entry.preparation, limit=8)

    files = _files(mobilenet_v2_float, data, tmp_path)

    _assert_goals(_qdq(files), runtimes, data)
    rows = check_whole(files, runtimes, data, samples=4)
    assert all(row.float_layers == () for row in rows if row.precision == "int8")
