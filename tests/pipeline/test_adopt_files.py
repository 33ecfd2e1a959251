"""`sepia export` of somebody else's QDQ file: all files or none, and every reason at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from sepia.check.model_folder import ModelFolder
from sepia.errors import UnsupportedOps, UnsupportedQuantization
from sepia.pipeline.export_files import export_files
from support.float_and_int8 import float_and_int8, noise
from support.graphs import run_graph
from support.pairs import Quantised

FILES = ["model.int8.bin", "model.int8.onnx", "model.int8.tflite", "model.int8.xml"]


def outputs(path: Path, runtime: str, sample: dict[str, np.ndarray]) -> np.ndarray:
    from sepia.check.network import Network
    from sepia.runtime import RUNTIMES

    with Network(RUNTIMES[runtime], path) as network:
        return network.run(sample)[0]


def test_a_file_that_needs_no_change_is_taken_byte_for_byte(tmp_path: Path) -> None:
    """ONNX Runtime's quantize_static, uint8 activations, int8 weights per channel."""
    _, theirs = float_and_int8(tmp_path)
    folder = ModelFolder(tmp_path / "made")
    (tmp_path / "made").mkdir()
    folder.quantization.write_text("{}")
    done = export_files(str(theirs.path), folder)
    assert sorted(path.name for path in folder.path.iterdir()) == FILES
    assert (folder.path / "model.int8.onnx").read_bytes() == theirs.path.read_bytes()
    assert set(done.files) == {"onnx", "tflite", "openvino"}
    assert done.told == ()
    (sample,) = noise(1, seed=5)
    own = outputs(theirs.path, "onnxruntime", sample)
    step = np.abs(own).max() / 100
    assert np.abs(outputs(folder.path / "model.int8.tflite", "litert", sample) - own).max() <= 4 * step
    assert np.abs(outputs(folder.path / "model.int8.xml", "openvino", sample) - own).max() <= 4 * step


def separable(net: Quantised, *, scales: object = 0.02, zero: object = 0, dtype: type = np.uint8) -> str:
    """pair → pointwise → HardSwish → pair → depthwise → pair."""
    x = net.pair(net.input, 0.03, 128)
    codes = net.rng.integers(-127, 128, (4, 4, 1, 1)).astype(np.int8)
    x = net.node("HardSwish", [net.node("Conv", [x, net.coded("pw.weight", codes, 0.01)], channels=4)], name="act")
    grid = net.grid("x", scales, zero, dtype)
    x = net.node("DequantizeLinear", [net.node("QuantizeLinear", [x, *grid], axis=1, name="q"), *grid], axis=1)
    weight = net.coded("dw.weight", net.rng.integers(-127, 128, (4, 1, 3, 3)).astype(np.int8), 0.01)
    return net.pair(net.node("Conv", [x, weight], name="dw", group=4, pads=[1] * 4, kernel_shape=[3, 3], channels=4))


def test_what_had_to_be_changed_is_told(tmp_path: Path) -> None:
    net = Quantised((1, 4, 6, 6))
    y = separable(net, scales=[0.01, 0.02, 0.03, 0.04], zero=3)
    source = net.save(tmp_path / "theirs.onnx", y)
    done = export_files(str(source), ModelFolder(tmp_path / "made"))
    assert done.told == ("1 activations with scales per channel put on one scale",)
    assert done.to_text().splitlines()[-len(done.told) :] == list(done.told)
    sample = {net.input: np.random.default_rng(0).normal(0, 1, (1, 4, 6, 6)).astype(np.float32)}
    expected = run_graph(onnx.load(source), sample)[y]
    for name, runtime in (("model.int8.onnx", "onnxruntime"), ("model.int8.tflite", "litert")):
        found = outputs(tmp_path / "made" / name, runtime, sample)
        assert np.abs(found - expected).max() <= 0.0501
        assert (np.abs(found - expected) < 1e-6).mean() > 0.98


def test_what_tflite_cannot_carry_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    net = Quantised((1, 4, 6, 6))
    y = separable(net, scales=[0.01, 0.02, 0.03, 0.04], zero=[-100, -90, -80, -70], dtype=np.int8)
    source = net.save(tmp_path / "theirs.onnx", y)
    made = tmp_path / "made"
    with pytest.raises(UnsupportedOps, match=r"'act' \(activation\): has scales per channel.*--formats onnx,openvino"):
        export_files(str(source), ModelFolder(made))
    assert not made.exists()
    done = export_files(str(source), ModelFolder(made), formats=("onnx", "openvino"))
    assert sorted(done.files) == ["onnx", "openvino"]
    sample = {net.input: np.random.default_rng(0).normal(0, 1, (1, 4, 6, 6)).astype(np.float32)}
    expected = run_graph(onnx.load(source), sample)[y]
    assert np.abs(outputs(made / "model.int8.xml", "openvino", sample) - expected).max() <= 0.0501


def test_what_cannot_be_read_is_refused_with_the_file_and_every_node(tmp_path: Path) -> None:
    net = Quantised((1, 4, 6, 6))
    x = net.pair(net.node("Relu", [net.pair(net.input, 0.001, 0, np.int16)]), 0.001, 0, np.int16)
    source = net.save(tmp_path / "theirs.onnx", x, opset=21)
    with pytest.raises(UnsupportedQuantization) as caught:
        export_files(str(source), ModelFolder(tmp_path / "made"))
    text = str(caught.value)
    assert text.startswith(f"{source}: cannot be carried over exactly: ")
    assert text.count("has int16 codes") == 2
    assert not (tmp_path / "made").exists()
