"""One small separable network written as each ONNX opset wants it: whatever changed its form is in it.

Clip (bounds as inputs from 11), Pad (inputs from 11), Resize (10, 11), Dropout (12), Squeeze, Unsqueeze, Split (inputs
from 13), Softmax (one axis from 13), HardSwish (from 14), Reshape (allowzero from 14), BatchNormalization (14, 15),
Split with num_outputs and ReduceMean with axes as an input (from 18), AveragePool (dilations from 19).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

__all__ = ["OPSETS", "net_of_opset", "qdq_net_of_opset"]

OPSETS = tuple(range(7, 25))

# IR versions that the opsets came with.
_IR = {7: 3, 8: 3, 9: 4, 10: 5, 11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10}


class _Net:
    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.rng = np.random.default_rng(0)
        self.nodes: list[onnx.NodeProto] = []
        self.held: list[onnx.TensorProto] = []

    def constant(self, array: Any) -> str:
        name = f"c{len(self.held)}"
        self.held.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def op(self, kind: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> str:
        name = f"n{len(self.nodes)}"
        made = [name] if outputs == 1 else [f"{name}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, made, name=f"{name}_{kind}", **attributes))
        return name

    def settings(self, kind: str, x: str, since: int, **named: Any) -> str:
        """An op whose settings are attributes before opset `since`, and inputs in that order from then on."""
        if self.opset < since:
            return self.op(kind, [x], **named)
        arrays = [np.float32(value) if isinstance(value, float) else np.array(value) for value in named.values()]
        return self.op(kind, [x, *map(self.constant, arrays)])

    def conv(self, x: str, weight: tuple[int, ...], **attributes: Any) -> str:
        fan_in = int(np.prod(weight[1:]))
        w = self.rng.normal(0, fan_in**-0.5, weight).astype(np.float32)
        b = self.rng.normal(0, 0.3, weight[0]).astype(np.float32)
        return self.op("Conv", [x, self.constant(w), self.constant(b)], kernel_shape=list(weight[2:]), **attributes)

    def clip(self, x: str) -> str:
        return self.settings("Clip", x, 11, min=0.0, max=6.0)

    def batch_norm(self, x: str, channels: int) -> str:
        draw = self.rng.uniform
        parts = [self.constant(draw(0.5, 1.5, channels).astype(np.float32)) for _ in range(4)]
        rest = {"training_mode": 0} if self.opset >= 14 else {"momentum": 0.9}
        return self.op("BatchNormalization", [x, *parts], epsilon=1e-3, **rest)

    def pad(self, x: str) -> str:
        return self.settings("Pad", x, 11, pads=[0, 0, 1, 2, 0, 0, 1, 0])

    def dropout(self, x: str) -> str:
        if self.opset < 12:
            return self.op("Dropout", [x], ratio=0.4)
        return self.op("Dropout", [x, self.constant(np.float32(0.4))])

    def hard_swish(self, x: str) -> str:
        if self.opset >= 14:
            return self.op("HardSwish", [x])
        return self.op("Mul", [x, self.op("HardSigmoid", [x], alpha=1 / 6, beta=0.5)])

    def split(self, x: str) -> str:
        if self.opset < 13:
            return self.op("Split", [x], 2, axis=1, split=[4, 4])
        if self.opset < 18:
            return self.op("Split", [x, self.constant(np.array([4, 4]))], 2, axis=1)
        return self.op("Split", [x], 2, axis=1, num_outputs=2)

    def twice_as_large(self, x: str) -> str:
        scales = np.array([1, 1, 2, 2], np.float32)
        if self.opset < 9:
            return self.op("Upsample", [x], mode="nearest", scales=scales.tolist())
        if self.opset == 9:
            return self.op("Upsample", [x, self.constant(scales)], mode="nearest")
        if self.opset == 10:
            return self.op("Resize", [x, self.constant(scales)], mode="nearest")
        roi = self.constant(np.zeros(0, np.float32)) if self.opset < 13 else ""
        rest = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.op("Resize", [x, roi, self.constant(scales)], mode="nearest", **rest)

    def pool(self, x: str) -> str:
        rest: dict[str, Any] = {"count_include_pad": 1, "pads": [1, 1, 1, 1], "kernel_shape": [3, 3], "strides": [2, 2]}
        rest |= {"ceil_mode": 0} if self.opset >= 10 else {}
        return self.op("AveragePool", [x], **rest | ({"dilations": [1, 1]} if self.opset >= 19 else {}))

    def mean(self, x: str) -> str:
        return self.settings("ReduceMean", x, 18, axes=[2, 3])

    def there_and_back(self, x: str) -> str:
        x = self.settings("Unsqueeze", x, 13, axes=[0])
        return self.settings("Squeeze", x, 13, axes=[0])

    def proto(self, start: tuple[int, ...]) -> onnx.ModelProto:
        first = helper.make_tensor_value_info("x", TensorProto.FLOAT, list(start))
        last = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
        self.nodes[-1].output[0] = "y"
        # Before IR version 4 every initialiser is an input as well.
        version = _IR.get(self.opset, 10)
        inputs = [first]
        if version < 4:
            inputs += [helper.make_tensor_value_info(held.name, held.data_type, list(held.dims)) for held in self.held]
        graph = helper.make_graph(self.nodes, "net", inputs, [last], self.held)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=version)
        return onnx.shape_inference.infer_shapes(model)


def net_of_opset(opset: int) -> onnx.ModelProto:
    """Input x [1, 3, 12, 12], output y [1, 5] that sums to 1."""
    net = _Net(opset)
    x = net.clip(net.batch_norm(net.conv("x", (8, 3, 3, 3), pads=[1, 1, 1, 1]), 8))
    x = net.conv(net.pad(x), (8, 1, 3, 3), group=8)
    x = net.dropout(net.hard_swish(net.conv(x, (8, 8, 1, 1))))
    first, second = (f"{net.split(x)}_{number}" for number in range(2))
    x = net.op("Concat", [net.twice_as_large(net.pool(second)), net.conv(first, (4, 4, 1, 1))], axis=1)
    x = net.there_and_back(net.mean(net.conv(x, (8, 8, 1, 1))))
    x = net.op("Reshape", [x, net.constant(np.array([0, -1]))])
    w = net.rng.normal(0, 0.5, (5, 8)).astype(np.float32)
    b = net.rng.normal(0, 0.5, 5).astype(np.float32)
    x = net.op("Gemm", [x, net.constant(w), net.constant(b)], transB=1)
    net.op("Softmax", [x], **({"axis": -1} if opset >= 13 else {"axis": 1}))
    return net.proto((1, 3, 12, 12))


def qdq_net_of_opset(opset: int) -> onnx.ModelProto:
    """Convolutions with pairs, from opset 10 up; weights have scales per channel from 13 on, where ONNX has them."""
    net = _Net(opset)
    x = _pair(net, "x", 0.03, 120)
    for weight, group, scale in (((8, 3, 3, 3), 1, 0.05), ((8, 1, 3, 3), 8, 0.04), ((6, 8, 1, 1), 1, 0.06)):
        held = _held(net, net.rng.integers(-90, 90, weight).astype(np.int8), weight[0])
        x = net.op("Conv", [x, held], kernel_shape=list(weight[2:]), group=group, pads=[weight[2] // 2] * 4)
        x = _pair(net, x, scale, 120)
    return net.proto((1, 3, 8, 8))


def _pair(net: _Net, x: str, scale: float, zero_point: int) -> str:
    params = [net.constant(np.float32(scale)), net.constant(np.uint8(zero_point))]
    return net.op("DequantizeLinear", [net.op("QuantizeLinear", [x, *params]), *params])


def _held(net: _Net, codes: NDArray[np.int8], channels: int) -> str:
    each = net.opset >= 13
    scale = (net.rng.uniform(0.5, 1.5, channels if each else ()) / 200).astype(np.float32)
    zeros = np.zeros(channels if each else (), np.int8)
    rest = {"axis": 0} if each else {}
    return net.op("DequantizeLinear", [net.constant(codes), net.constant(scale), net.constant(zeros)], **rest)
