"""ONNX Runtime's profile under the file's own names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from sepia.runtime.interface import Placement
from sepia.runtime.onnx_profile import read_profile


@pytest.fixture
def model(tmp_path: Path) -> Path:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["conv_out"], name="features.0"),
        helper.make_node("Clip", ["conv_out"], ["clipped"], name="act"),
        helper.make_node("GlobalAveragePool", ["clipped"], ["pooled"], name=""),
        helper.make_node("Flatten", ["pooled"], ["y"], name="flat"),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "y")]
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:])), path)
    return path


def kernel(name: str, op: str, *types: str) -> dict[str, Any]:
    told = {"op_name": op, "provider": "CPUExecutionProvider", "input_type_shape": [{kind: [1]} for kind in types]}
    return {"cat": "Node", "name": f"{name}_kernel_time", "dur": 5, "args": told}


@pytest.mark.parametrize(
    ("event", "layer", "precision"),
    [
        (kernel("features.0", "Conv", "float", "float"), "features.0", "float32"),
        (kernel("features.0_token_12", "QLinearConv", "uint8", "float", "uint8", "int8"), "features.0", "int8"),
        (kernel("features.0_token_12", "QLinearConv", "int8", "float", "int8"), "features.0", "int8"),
        (kernel("clipped_nchwc", "Conv", "float"), "features.0", "float32"),
        (kernel("conv_out_nchwc", "FusedConv", "float"), "features.0", "float32"),
        (kernel("pooled_nchwc", "GlobalAveragePool", "float"), "pooled", "float32"),
        (kernel("flat", "Reshape", "uint8", "int64"), "flat", "none"),
        (kernel("ReorderOutput", "ReorderOutput", "float"), "ReorderOutput", "none"),
        (kernel("x_q", "QuantizeLinear", "float", "float", "uint8"), "x_q", "none"),
        (kernel("y_dq", "DequantizeLinear", "uint8", "float", "uint8"), "y_dq", "none"),
        (kernel("act", "Clip", "float16"), "act", "float16"),
        (kernel("features.0", "Conv", "bfloat16"), "features.0", "bfloat16"),
    ],
)
def test_kernels_are_placed(tmp_path: Path, model: Path, event: dict[str, Any], layer: str, precision: str) -> None:
    profile = tmp_path / "profile.json"
    noise = {"cat": "Session", "name": "model_run", "dur": 9}
    profile.write_text(json.dumps([noise, event, {**event, "name": "features.0_fence_before"}]))
    assert read_profile(profile, model) == [
        Placement(layer, event["args"]["op_name"], precision, "CPUExecutionProvider")
    ]
