"""What OpenVINO fuses, and that a real Mul is not taken for a DequantizeLinear's."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sepia.runtime.openvino_placements import placements
from sepia.runtime.openvino_runtime import OpenVINO


def gate(path: Path, *, quantized: bool) -> Path:
    """x · sigmoid(conv(x)), each tensor through Q and DQ if `quantized`: squeeze and excite in small."""
    rng = np.random.default_rng(0)
    tensors = {"scale": np.float32(0.05), "zero": np.uint8(128), "w_scale": np.float32(0.01), "w_zero": np.int8(0)}
    tensors["w_codes"] = rng.integers(-127, 128, (8, 8, 1, 1)).astype(np.int8)
    nodes = [helper.make_node("DequantizeLinear", ["w_codes", "w_scale", "w_zero"], ["w"], name="w/dq")]

    def held(name: str) -> str:
        if not quantized:
            return name
        nodes.append(helper.make_node("QuantizeLinear", [name, "scale", "zero"], [f"{name}_q"], name=f"{name}/q"))
        nodes.append(
            helper.make_node("DequantizeLinear", [f"{name}_q", "scale", "zero"], [f"{name}_dq"], name=f"{name}/dq")
        )
        return f"{name}_dq"

    x = held("x")
    nodes.append(helper.make_node("Conv", [x, "w"], ["c"], name="conv"))
    nodes.append(helper.make_node("Sigmoid", [held("c")], ["s"], name="gate"))
    nodes.append(helper.make_node("Mul", [x, held("s")], ["m"], name="scaled"))
    nodes.append(helper.make_node("Identity", [held("m")], ["y"], name="end"))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8, 6, 6]) for name in ("x", "y")]
    graph = helper.make_graph(
        nodes, "gate", ends[:1], ends[1:], [numpy_helper.from_array(np.asarray(v), k) for k, v in tensors.items()]
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


def placed(file: Path) -> dict[str, str]:
    with OpenVINO().open(file) as session:
        return {placement.layer: placement.precision for placement in session.placements()}


def test_a_fused_gate_computes_and_its_convolution_is_int8(tmp_path: Path) -> None:
    found = placed(gate(tmp_path / "gate.onnx", quantized=True))
    computing = {layer: precision for layer, precision in found.items() if precision != "none"}
    assert computing.pop("conv") == "int8", found
    assert set(computing) <= {"gate", "scaled"}, found
    assert computing, found


def test_in_float_all_compute_in_float(tmp_path: Path) -> None:
    found = placed(gate(tmp_path / "gate.onnx", quantized=False))
    computing = {layer: precision for layer, precision in found.items() if precision != "none"}
    assert set(computing.values()) == {"float32"}, found
    assert "conv" in computing, found


class FakeOp:
    """As much of an op of a runtime model as is read: its kind, and what it takes."""

    def __init__(self, name: str, kind: str, *sources: FakeOp) -> None:
        self.name, self.kind, self.sources = name, kind, sources

    def get_friendly_name(self) -> str:
        return self.name

    def get_type_name(self) -> str:
        return self.kind

    def get_input_size(self) -> int:
        return len(self.sources)

    def input_value(self, index: int) -> FakeOp:
        return self.sources[index]

    def get_node(self) -> FakeOp:
        return self

    def get_rt_info(self) -> dict[str, Any]:
        told = {"layerType": self.kind, "originalLayersNames": self.name, "runtimePrecision": "f32"}
        return {key: SimpleNamespace(astype=lambda kind, value=value: value) for key, value in told.items()}


def test_what_is_worked_out_from_constants_alone_is_no_layer() -> None:
    image, weight = FakeOp("x", "Input"), FakeOp("w", "Const")
    folded = FakeOp("w/reshaped", "Reshape", weight)
    twice = FakeOp("w/summed", "Eltwise", folded, weight)
    conv = FakeOp("conv", "Convolution", image, twice)
    ops = [image, weight, folded, twice, conv, FakeOp("y", "Output", conv)]
    model = SimpleNamespace(get_ops=lambda: [conv], get_ordered_ops=lambda: ops)
    assert [placement.layer for placement in placements(model, model)] == ["conv"]
