"""Small ONNX graphs for tests, and a plain way to run one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

__all__ = ["NetBuilder", "random_input", "run_graph", "tiny_separable"]


class NetBuilder:
    """Builds a float network in NC… layout node by node; each method returns the name of the value it makes.

    The rank of `input_shape` decides between 1-D, 2-D and 3-D layers. Weights are drawn from `seed`.
    """

    def __init__(self, input_shape: tuple[int, ...], *, seed: int = 0, input_name: str = "image") -> None:
        self.rng = np.random.default_rng(seed)
        self.input = input_name
        self.inputs: dict[str, tuple[int | str, ...]] = {input_name: input_shape}
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.channels = {input_name: input_shape[1]}
        self.dimensions = len(input_shape) - 2
        self._count = 0

    def constant(self, name: str, array: NDArray[Any]) -> str:
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def node(
        self, op: str, inputs: list[str], *, name: str = "", channels: int | None = None, **attributes: Any
    ) -> str:
        """Any node with one output. The output is called `name`, or op and a number."""
        output = name or f"{op.lower()}_{self._count}"
        self._count += 1
        self.nodes.append(helper.make_node(op, inputs, [output], name=f"{output}_node", **attributes))
        self.channels[output] = channels or self.channels.get(inputs[0], 0)
        return output

    def conv(
        self,
        x: str,
        out: int,
        *,
        kernel: int | tuple[int, ...] = 1,
        stride: int = 1,
        dilation: int = 1,
        group: int = 1,
        pad: int | None = None,
        bias: bool = True,
        name: str = "",
    ) -> str:
        """A convolution; `pad` defaults to "same" at stride 1. Weights are scaled to keep the variance."""
        sizes = (kernel,) * self.dimensions if isinstance(kernel, int) else kernel
        name = name or f"conv_{self._count}"
        inputs = self.channels[x]
        fan_in = inputs // group * int(np.prod(sizes))
        weight = self.rng.normal(0, fan_in**-0.5, (out, inputs // group, *sizes)).astype(np.float32)
        names = [x, self.constant(f"{name}.weight", weight)]
        if bias:
            names.append(self.constant(f"{name}.bias", self.rng.normal(0, 0.3, out).astype(np.float32)))
        pads = [dilation * (size - 1) // 2 if pad is None else pad for size in sizes] * 2
        return self.node(
            "Conv", names, name=name, channels=out, kernel_shape=list(sizes), pads=pads, group=group,
            strides=[stride] * self.dimensions, dilations=[dilation] * self.dimensions,
        )  # fmt: skip

    def depthwise(self, x: str, *, kernel: int = 3, multiplier: int = 1, **rest: Any) -> str:
        channels = self.channels[x]
        return self.conv(x, channels * multiplier, kernel=kernel, group=channels, **rest)

    def relu6(self, x: str) -> str:
        bounds = {tensor.name for tensor in self.initializers}
        for name, bound in (("zero", 0.0), ("six", 6.0)):
            if name not in bounds:
                self.constant(name, np.array(bound, np.float32))
        return self.node("Clip", [x, "zero", "six"])

    def batch_norm(self, x: str, *, name: str = "bn") -> str:
        channels = self.channels[x]
        draw = self.rng.uniform
        names = [
            self.constant(f"{name}.{part}", draw(low, high, channels).astype(np.float32))
            for part, low, high in (("weight", 0.5, 1.5), ("bias", -1, 1), ("mean", -0.5, 0.5), ("var", 0.3, 2))
        ]
        return self.node("BatchNormalization", [x, *names], epsilon=1e-3)

    def gemm(self, x: str, out: int, *, name: str = "fc") -> str:
        inputs = self.channels[x]
        weight = self.rng.normal(0, inputs**-0.5, (out, inputs)).astype(np.float32)
        bias = self.rng.normal(0, 0.3, out).astype(np.float32)
        names = [x, self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)]
        return self.node("Gemm", names, name=name, channels=out, transB=1)

    def proto(self, *outputs: str, opset: int = 20, metadata: Mapping[str, str] | None = None) -> onnx.ModelProto:
        """The model, output shapes left to inference."""
        inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(s)) for n, s in self.inputs.items()]
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "net", inputs, ends, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
        helper.set_model_props(model, dict(metadata or {}))
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        onnx.checker.check_model(inferred, full_check=True)
        return inferred

    def save(self, path: Path, *outputs: str, **rest: Any) -> Path:
        path.write_bytes(self.proto(*outputs, **rest).SerializeToString())
        return path


def tiny_separable(
    size: tuple[int, ...] = (16, 16), *, channels: int = 8, classes: int = 5, seed: int = 0, batch: int = 1
) -> onnx.ModelProto:
    """A float network with each part of a separable one, in 1-D, 2-D or 3-D by the length of `size`.

    Strided standard stem, depthwise + pointwise, an inverted residual with its add, a depthwise of stride 2, global
    average pool and a fully connected head. Input "image" [batch, 3, *size], output "logits" [batch, classes].
    """
    net = NetBuilder((batch, 3, *size), seed=seed)
    x = net.relu6(net.conv(net.input, channels, kernel=3, stride=2, name="stem"))
    x = net.relu6(net.depthwise(x, name="block1.dw"))
    x = net.conv(x, channels, name="block1.pw")
    y = net.relu6(net.conv(x, channels * 3, name="block2.expand"))
    y = net.relu6(net.depthwise(y, kernel=5, name="block2.dw"))
    x = net.node("Add", [net.conv(y, channels, name="block2.project"), x], name="block2.add")
    y = net.relu6(net.conv(x, channels * 3, name="block3.expand"))
    y = net.relu6(net.depthwise(y, stride=2, name="block3.dw"))
    x = net.relu6(net.conv(y, channels * 2, name="head"))
    x = net.node("GlobalAveragePool", [x], name="pool")
    x = net.node("Flatten", [x], name="features", axis=1)
    return net.proto(net.node("Identity", [net.gemm(x, classes)], name="logits"))


def random_input(model: onnx.ModelProto | ir.Model, *, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Normal noise for every input, a dynamic dimension taken as 1."""
    proto = ir.to_proto(model) if isinstance(model, ir.Model) else model
    rng = np.random.default_rng(seed)
    weights = {tensor.name for tensor in proto.graph.initializer}
    return {
        info.name: rng.normal(size=[d.dim_value or 1 for d in info.type.tensor_type.shape.dim]).astype(np.float32)
        for info in proto.graph.input
        if info.name not in weights
    }


def run_graph(
    model: onnx.ModelProto | ir.Model, feeds: Mapping[str, NDArray[Any]], *, also: tuple[str, ...] = ()
) -> dict[str, NDArray[Any]]:
    """Outputs of ONNX Runtime on one thread with all its optimisations off; `also`: inner values to give out too."""
    import onnxruntime as ort

    proto = onnx.ModelProto()
    proto.CopyFrom(ir.to_proto(model) if isinstance(model, ir.Model) else model)
    present = {info.name for info in proto.graph.output}
    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in also if name not in present)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))
