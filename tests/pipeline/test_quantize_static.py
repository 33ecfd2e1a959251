"""ONNX Runtime's quantize_static for real, in every way that makes another file, taken over and compared by layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from sepia.check.layers import check_layers
from sepia.check.model_folder import ModelFolder
from sepia.check.verdict import verdicts
from sepia.errors import GraphError
from sepia.graph.load import load_graph, save_graph
from sepia.graph.passes import canonicalize
from sepia.pipeline.adopt_files import adopt_files
from support.graphs import NetBuilder

FORMATS = ("onnx", "tflite", "openvino")

WAYS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "per channel, uint8": {"per_channel": True, "activation_type": QuantType.QUInt8},
    "per channel, int8": {"per_channel": True, "activation_type": QuantType.QInt8},
    "entropy": {"per_channel": True, "calibrate_method": CalibrationMethod.Entropy},
    "percentile": {"per_channel": True, "calibrate_method": CalibrationMethod.Percentile},
    "symmetric": {"activation_type": QuantType.QInt8, "extra_options": {"ActivationSymmetric": True}},
    "float biases": {"per_channel": True, "extra_options": {"QuantizeBias": False}},
    "float weights under pairs": {"per_channel": True, "extra_options": {"AddQDQPairToWeight": True}},
    "a pair a reader": {"per_channel": True, "extra_options": {"DedicatedQDQPair": True}},
    "asymmetric weights": {
        "activation_type": QuantType.QUInt8,
        "weight_type": QuantType.QUInt8,
        "extra_options": {"WeightSymmetric": False},
    },
    "weights in 4 bits": {"weight_type": QuantType.QInt4},
    "weights in half the range": {"per_channel": True, "reduce_range": True},
    "contrib operators": {"per_channel": True, "extra_options": {"UseQDQContribOps": True}},
}


def network() -> onnx.ModelProto:
    """Residual sums, ReLU6, HardSwish, squeeze-excite, a concatenation, a strided depthwise, a head."""
    net = NetBuilder((1, 3, 24, 24), seed=3)
    x = net.node("HardSwish", [net.conv(net.input, 8, kernel=3, stride=2, name="stem")])
    y = net.relu6(net.depthwise(net.relu6(net.conv(x, 24, name="expand")), name="dw"))
    gate = net.node("Relu", [net.conv(net.node("GlobalAveragePool", [y]), 6, name="squeeze")])
    gate = net.node("HardSigmoid", [net.conv(gate, 24, name="excite")], alpha=1 / 6, beta=0.5)
    y = net.conv(net.node("Mul", [y, gate], channels=24), 8, name="project")
    x = net.node("Add", [x, y], name="sum")
    x = net.node("Concat", [x, net.node("Relu", [net.depthwise(x, kernel=5, name="beside")])], axis=1, channels=16)
    x = net.relu6(net.conv(net.depthwise(x, stride=2, name="down"), 32, name="head"))
    flat = net.node("Flatten", [net.node("GlobalAveragePool", [x])], axis=1)
    return net.proto(net.gemm(flat, 10, name="logits"))


def samples(count: int, seed: int) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [{"image": rng.normal(0, 1, (1, 3, 24, 24)).astype(np.float32)} for _ in range(count)]


class Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self) -> None:
        self.left = iter(samples(12, 1))

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.left, None)


def quantized(folder: Path, **options: Any) -> Path:
    source, made = folder / "model.onnx", folder / "theirs.onnx"
    onnx.save(network(), source)
    save_graph(canonicalize(load_graph(source)), source)
    settings = {"quant_format": QuantFormat.QDQ, "weight_type": QuantType.QInt8, **options}
    quantize_static(source, made, Reader(), **settings)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_carried_over(way: str, tmp_path: Path) -> None:
    theirs = quantized(tmp_path, **WAYS[way])
    folder = ModelFolder(tmp_path / "made")
    adopt_files(theirs, folder, FORMATS)
    rows = check_layers(folder.artifact("onnx", "int8").path, ("litert", "openvino"), samples(2, 7))
    assert {row.runtime for row in rows} == {"litert", "openvino"}
    for verdict in verdicts(rows):
        if (verdict.runtime, way) == ("openvino", "asymmetric weights"):
            # Its own product of a zero point with sums: 1 LSB in the fully connected layer, which the check tells.
            assert set(verdict.broken) <= {"logits"}
            assert verdict.max_lsb <= 1
        else:
            assert verdict.passed, (verdict.runtime, verdict.broken)


@pytest.mark.slow
def test_integer_operators_are_refused_all_at_once(tmp_path: Path) -> None:
    theirs = quantized(tmp_path, quant_format=QuantFormat.QOperator, activation_type=QuantType.QUInt8)
    with pytest.raises(GraphError) as caught:
        adopt_files(theirs, ModelFolder(tmp_path / "made"), FORMATS)
    assert str(theirs) in str(caught.value)
    assert not (tmp_path / "made").exists()


@pytest.mark.slow
def test_activations_of_sixteen_bits_are_refused_all_at_once(tmp_path: Path) -> None:
    theirs = quantized(tmp_path, activation_type=QuantType.QInt16, weight_type=QuantType.QInt8)
    with pytest.raises(GraphError, match="int16") as caught:
        adopt_files(theirs, ModelFolder(tmp_path / "made"), FORMATS)
    assert str(caught.value).count("has int16 codes") > 10
