"""Graphs in the shape that other converters give them, made here since the converters need TensorFlow or Paddle.

tf2onnx: everything is [N, H, W, C]; each convolution, pool and resize stands between a Transpose to [N, C, H, W] and
one back, pads are auto_pad SAME_UPPER, means are ReduceMean over axes 1 and 2, a flatten computes its shape from Shape.
paddle2onnx: [N, C, H, W] with an open batch, constants as Constant nodes, hard activations written out, a flatten by
Shape, Slice and Concat, a fully connected layer as MatMul and Add.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["paddle2onnx_net", "tf2onnx_net", "tf2onnx_net_1d"]


class _Graph:
    """constants: as initialisers, or as Constant nodes."""

    def __init__(self, *, opset: int, constant_nodes: bool = False) -> None:
        self.opset = opset
        self.constant_nodes = constant_nodes
        self.rng = np.random.default_rng(0)
        self.nodes: list[onnx.NodeProto] = []
        self.held: list[onnx.TensorProto] = []
        self.count = 0

    def op(self, kind: str, *inputs: Any, **attributes: Any) -> str:
        """inputs: names; arrays and lists become constants."""
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        self.count += 1
        name = f"{kind.lower()}_{self.count}"
        self.nodes.append(helper.make_node(kind, names, [name], name=name, **attributes))
        return name

    def constant(self, value: Any) -> str:
        array = np.asarray(value)
        self.count += 1
        name = f"const_{self.count}"
        if self.constant_nodes:
            tensor = numpy_helper.from_array(array, name)
            self.nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        else:
            self.held.append(numpy_helper.from_array(array, name))
        return name

    def drawn(self, *shape: int, spread: float | None = None) -> np.ndarray:
        spread = float(np.prod(shape[1:])) ** -0.5 if spread is None else spread
        return self.rng.normal(0, spread, shape).astype(np.float32)

    def proto(self, start: list[Any], last: str, end: list[Any]) -> onnx.ModelProto:
        self.nodes.append(helper.make_node("Identity", [last], ["y"], name="y"))
        first = helper.make_tensor_value_info("x", TensorProto.FLOAT, start)
        output = helper.make_tensor_value_info("y", TensorProto.FLOAT, end)
        graph = helper.make_graph(self.nodes, "net", [first], [output], self.held)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)


class _Tf(_Graph):
    def nchw(self, x: str, kind: str, *rest: Any, **attributes: Any) -> str:
        """An op of ONNX's layout inside a network of TensorFlow's."""
        inside = self.op(kind, self.op("Transpose", x, perm=[0, 3, 1, 2]), *rest, **attributes)
        return self.op("Transpose", inside, perm=[0, 2, 3, 1])

    def conv(self, x: str, channels_in: int, channels: int, kernel: int, stride: int = 1, group: int = 1) -> str:
        weight = self.drawn(channels, channels_in // group, kernel, kernel)
        settings = {"strides": [stride] * 2, "dilations": [1, 1], "group": group, "kernel_shape": [kernel] * 2}
        return self.nchw(x, "Conv", weight, auto_pad="SAME_UPPER", **settings)

    def biased(self, x: str, channels: int) -> str:
        return self.op("Add", x, self.drawn(channels, spread=0.3))

    def relu6(self, x: str) -> str:
        return self.op("Clip", x, np.float32(0), np.float32(6))

    def flatten(self, x: str, size: int) -> str:
        """tf.reshape(x, [tf.shape(x)[0], -1])."""
        shape = self.op("Cast", self.op("Shape", x), to=TensorProto.INT32)
        batch = self.op("Squeeze", self.op("Slice", shape, [0], [1], [0]), [0])
        wanted = self.op("Concat", self.op("Unsqueeze", batch, [0]), np.array([size], np.int32), axis=0)
        return self.op("Reshape", x, self.op("Cast", wanted, to=TensorProto.INT64))


def tf2onnx_net() -> onnx.ModelProto:
    """x [1, 16, 16, 3] → y [1, 5]: a MobileNet in small, with a squeeze-excite, a pool, an enlargement and a Pad."""
    net = _Tf(opset=15)
    x = net.relu6(net.biased(net.conv("x", 3, 8, 3, 2), 8))
    x = net.relu6(net.biased(net.conv(x, 8, 8, 3, group=8), 8))
    y = net.biased(net.conv(x, 8, 8, 1), 8)
    x = net.op("Add", x, y)
    pooled = net.op("ReduceMean", x, axes=[1, 2], keepdims=1)
    gate = net.op("Relu", net.biased(net.conv(pooled, 8, 4, 1), 4))
    gate = net.op("Sigmoid", net.biased(net.conv(gate, 4, 8, 1), 8))
    x = net.op("Mul", x, gate)
    x = net.op("Pad", x, np.array([0, 1, 1, 0, 0, 1, 1, 0]), np.float32(0))
    x = net.nchw(x, "Conv", net.drawn(12, 8, 3, 3), kernel_shape=[3, 3], strides=[2, 2], pads=[0] * 4)
    x = net.nchw(x, "Resize", "", np.array([1, 1, 2, 2], np.float32), mode="linear")
    x = net.nchw(x, "MaxPool", kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER")
    x = net.op("Concat", x, net.op("Relu", x), axis=3)
    x = net.op("Reshape", x, np.array([1, 4, 4, 24]))
    x = net.flatten(net.op("ReduceMean", x, axes=[1, 2], keepdims=0), 24)
    x = net.op("Add", net.op("MatMul", x, net.drawn(24, 5, spread=0.3)), net.drawn(5, spread=0.3))
    return net.proto([1, 16, 16, 3], net.op("Softmax", x, axis=-1), [1, 5])


def tf2onnx_net_1d() -> onnx.ModelProto:
    """x [1, 20, 6] → y [1, 20, 4]: a 1-D separable layer, which runs in 2-D between an expansion and a squeeze."""
    net = _Tf(opset=15)
    x = net.op("Unsqueeze", "x", [1])
    weight = net.drawn(6, 1, 1, 5)
    x = net.nchw(x, "Conv", weight, auto_pad="SAME_UPPER", group=6, kernel_shape=[1, 5], strides=[1, 1])
    x = net.nchw(x, "Conv", net.drawn(4, 6, 1, 1), kernel_shape=[1, 1])
    x = net.op("Squeeze", x, [1])
    return net.proto([1, 20, 6], net.op("Relu", net.op("Add", x, net.drawn(4, spread=0.3))), [1, 20, 4])


def paddle2onnx_net() -> onnx.ModelProto:
    """x [N, 3, 16, 16] → y [N, 5]: convolutions with batch normalisation, hard swish and a squeeze-excite."""
    net = _Graph(opset=11, constant_nodes=True)

    def conv(x: str, channels_in: int, channels: int, kernel: int, stride: int = 1, group: int = 1) -> str:
        pads, weight = [kernel // 2] * 4, net.drawn(channels, channels_in // group, kernel, kernel)
        settings = {"dilations": [1, 1], "group": group, "kernel_shape": [kernel] * 2}
        x = net.op("Conv", x, weight, pads=pads, strides=[stride] * 2, **settings)
        parts = [net.rng.uniform(0.5, 1.5, channels).astype(np.float32) for _ in range(4)]
        return net.op("BatchNormalization", x, *parts, epsilon=1e-5, momentum=0.9)

    def hard_swish(x: str) -> str:
        clipped = net.op("Clip", net.op("Add", x, np.float32([3])), np.float32(0), np.float32(6))
        return net.op("Div", net.op("Mul", x, clipped), np.float32([6]))

    x = hard_swish(conv("x", 3, 8, 3, 2))
    x = hard_swish(conv(x, 8, 8, 5, group=8))
    gate = net.op("Relu", net.op("Conv", net.op("GlobalAveragePool", x), net.drawn(4, 8, 1, 1), net.drawn(4)))
    gate = net.op("Conv", gate, net.drawn(8, 4, 1, 1), net.drawn(8))
    x = net.op("Mul", x, net.op("HardSigmoid", gate, alpha=1 / 6, beta=0.5))
    x = hard_swish(conv(x, 8, 12, 1))
    x = net.op("AveragePool", x, kernel_shape=[8, 8], strides=[8, 8], pads=[0] * 4)
    batch = net.op("Slice", net.op("Shape", x), [0], [1])
    x = net.op("Reshape", x, net.op("Concat", batch, [12], axis=0))
    x = net.op("Add", net.op("MatMul", x, net.drawn(12, 5, spread=0.3)), net.drawn(5, spread=0.3))
    return net.proto(["N", 3, 16, 16], net.op("Softmax", x, axis=1), ["N", 5])
