"""QDQ networks of one or a few layers, made directly from drawn codes and scales, for checks of single layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

__all__ = ["QdqBuilder"]

_TYPES = {"uint8": (np.uint8, TensorProto.UINT8), "int8": (np.int8, TensorProto.INT8)}


class QdqBuilder:
    """Adds quantised layers to a network; each method returns the name of the dequantised value it makes.

    Names are those of Sepia's own files: `t_quantized`, `t_dequantized`, `t_scale`, `t_zero_point`.
    """

    def __init__(self, *, activations: str = "uint8", seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.activations = activations
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: dict[str, tuple[int, ...]] = {}
        self.initializers: dict[str, NDArray[Any]] = {}
        self.scales: dict[str, float] = {}

    def input(self, name: str, shape: tuple[int, ...], *, scale: float = 0.02057, zero_point: int = 113) -> str:
        """A float graph input and its pair. zero_point: in uint8."""
        self.inputs[name] = shape
        return self.pair(name, scale, zero_point)

    def pair(self, real: str, scale: float, zero_point: int) -> str:
        """QuantizeLinear and DequantizeLinear of the value `real`. zero_point: in uint8."""
        dtype, _ = _TYPES[self.activations]
        point = zero_point - (128 if self.activations == "int8" else 0)
        self.initializers[f"{real}_scale"] = np.array(scale, np.float32)
        self.initializers[f"{real}_zero_point"] = np.array(point, dtype)
        params = [f"{real}_scale", f"{real}_zero_point"]
        self.nodes += [
            helper.make_node("QuantizeLinear", [real, *params], [f"{real}_quantized"], name=f"{real}_q"),
            helper.make_node("DequantizeLinear", [f"{real}_quantized", *params], [f"{real}_dequantized"], f"{real}_dq"),
        ]
        self.scales[f"{real}_dequantized"] = float(np.float32(scale))
        return f"{real}_dequantized"

    def layer(
        self, name: str, op: str, x: str, weight: tuple[int, ...], *, scale: float = 0.03119, zero_point: int = 101,
        **attributes: Any,
    ) -> str:  # fmt: skip
        """Conv or Gemm (transB = 1) with drawn int8 weights [C_out, …], a scale a channel, and an int32 bias."""
        fan_in = int(np.prod(weight[1:]))
        # So that the outputs fill the range of codes: inputs of about 60 codes, weights of about 70.
        spread = 30 * scale / (self.scales[x] * 60 * 70 * np.sqrt(fan_in))
        channels = (self.rng.uniform(0.5, 1.5, weight[0]) * spread).astype(np.float32)
        self.initializers |= {
            f"{name}.weight_quantized": self.rng.integers(-127, 128, weight, dtype=np.int8),
            f"{name}.weight_scale": channels,
            f"{name}.weight_zero_point": np.zeros(weight[0], np.int8),
            f"{name}.bias_quantized": self.rng.integers(-3000, 3000, weight[0], dtype=np.int32),
            f"{name}.bias_scale": np.float32(self.scales[x]) * channels,
            f"{name}.bias_zero_point": np.zeros(weight[0], np.int32),
        }
        sources = [x]
        for part in ("weight", "bias"):
            held = [f"{name}.{part}_{suffix}" for suffix in ("quantized", "scale", "zero_point")]
            self.nodes.append(
                helper.make_node("DequantizeLinear", held, [f"{name}.{part}"], f"{name}.{part}_dq", axis=0)
            )
            sources.append(f"{name}.{part}")
        return self.op(name, op, sources, scale=scale, zero_point=zero_point, **attributes)

    def op(
        self, name: str, op: str, sources: list[str], *, scale: float = 0.03119, zero_point: int = 101,
        **attributes: Any,
    ) -> str:  # fmt: skip
        """Any op with one output, which gets a pair."""
        self.nodes.append(helper.make_node(op, sources, [name], name=f"{name}_node", **attributes))
        return self.pair(name, scale, zero_point)

    def proto(self, *outputs: str) -> onnx.ModelProto:
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        starts = [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(s)) for n, s in self.inputs.items()]
        constants = [numpy_helper.from_array(np.asarray(array), name) for name, array in self.initializers.items()]
        graph = helper.make_graph(self.nodes, "net", starts, ends, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        onnx.checker.check_model(inferred, full_check=True)
        return inferred

    def save(self, path: Path, *outputs: str) -> Path:
        path.write_bytes(self.proto(*outputs).SerializeToString())
        return path
