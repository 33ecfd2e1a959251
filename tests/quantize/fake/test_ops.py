"""Each op of the fake network's table against ONNX Runtime, on drawn shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import helper
from sepia.graph.passes import canonicalize
from sepia.inputs.calibration import CalibrationData
from sepia.quantize.fake.network import FakeNetwork
from sepia.quantize.fake.ops import OPS
from sepia.quantize.fitted import Task
from sepia.quantize.op_table import ROWS
from sepia.quantize.placement import place
from support.graphs import NetBuilder, run_graph

_IMAGE = (1, 8, 9, 10)


def task_of(net: NetBuilder, *outputs: str) -> Task:
    model = canonicalize(ir.from_proto(net.proto(*outputs)))
    data = CalibrationData("none", False, 0, lambda: iter(()))
    return Task(model, place(model), data, "uint8", 127, "a test")


def same_as_onnx_runtime(net: NetBuilder, *outputs: str) -> None:
    """In float, the batch of the file and three times that."""
    names = outputs or (net.nodes[-1].output[0],)
    task = task_of(net, *names)
    network = FakeNetwork(task, dtype=torch.float64)
    rng = np.random.default_rng(0)
    samples = [
        {name: rng.normal(0, 1.5, shape).astype(np.float32) for name, shape in net.inputs.items()} for _ in range(3)
    ]
    expected = [run_graph(net.proto(*names), sample) for sample in samples]
    for chosen in ([0], [0, 1, 2]):
        found = network.run(network.tensors(*(samples[index] for index in chosen)), names)
        for name in names:
            wanted = np.concatenate([expected[index][name] for index in chosen])
            np.testing.assert_allclose(found[name].detach().numpy(), wanted, rtol=2e-4, atol=2e-5)


def one(op: str, *constants: NDArray[Any] | str, shape: tuple[int, ...] = _IMAGE, **attributes: Any) -> NetBuilder:
    """One node on the input. constants: its further inputs; "" leaves one out."""
    net = NetBuilder(shape)
    rest = [c if isinstance(c, str) else net.constant(f"constant_{i}", c) for i, c in enumerate(constants)]
    net.node(op, [net.input, *rest], name="y", **attributes)
    return net


def f32(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def of_positive(op: str) -> NetBuilder:
    net = NetBuilder(_IMAGE)
    net.node(op, [net.node("Exp", [net.input])], name="y")
    return net


_PADS = np.array([0, 0, 1, 2, 0, 0, 3, 1])
_FIELD = np.linspace(-1, 2, 8, dtype=np.float32).reshape(1, 8, 1, 1)

CASES: dict[str, NetBuilder] = {
    "relu": one("Relu"),
    "clip": one("Clip", np.float32(-0.5), np.float32(0.75)),
    "clip below": one("Clip", np.float32(-0.5), ""),
    "hard swish": one("HardSwish"),
    "hard sigmoid": one("HardSigmoid"),
    "hard sigmoid of MobileNetV3": one("HardSigmoid", alpha=1 / 6, beta=0.5),
    "sigmoid": one("Sigmoid"),
    "log": of_positive("Log"),
    "sqrt": of_positive("Sqrt"),
    "tanh": one("Tanh"),
    "exp": one("Exp"),
    "neg": one("Neg"),
    "abs": one("Abs"),
    "erf": one("Erf"),
    "softplus": one("Softplus"),
    "elu": one("Elu", alpha=0.7),
    "leaky relu": one("LeakyRelu", alpha=0.2),
    "prelu": one("PRelu", np.linspace(0, 1, 8, dtype=np.float32).reshape(8, 1, 1)),
    "gelu": one("Gelu"),
    "gelu by tanh": one("Gelu", approximate="tanh"),
    "reciprocal": one("Reciprocal"),
    "softmax": one("Softmax", axis=1),
    "softmax of the last axis": one("Softmax"),
    "global average pool": one("GlobalAveragePool"),
    "global average pool, 1-D": one("GlobalAveragePool", shape=(1, 8, 9)),
    "global max pool": one("GlobalMaxPool"),
    "mean": one("ReduceMean", np.array([1, 3]), keepdims=0),
    "mean of all": one("ReduceMean", np.array([1, 2, 3])),
    "sum": one("ReduceSum", np.array([-1])),
    "max": one("ReduceMax", np.array([2])),
    "add": one("Add", _FIELD),
    "sub": one("Sub", _FIELD),
    "mul": one("Mul", _FIELD),
    "div": one("Div", _FIELD + 2),
    "pow": one("Pow", np.float32(2.0)),
    "matmul": one("MatMul", np.arange(60, dtype=np.float32).reshape(10, 6) / 60),
    "max pool": one("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 1, 1]),
    "max pool, dilated": one("MaxPool", kernel_shape=[2, 2], dilations=[2, 3]),
    "max pool, ceil": one("MaxPool", kernel_shape=[2, 3], strides=[2, 4], ceil_mode=1),
    "max pool, 1-D": one("MaxPool", kernel_shape=[3], shape=(1, 4, 11)),
    "max pool, 3-D": one("MaxPool", kernel_shape=[2, 1, 2], shape=(1, 4, 5, 6, 7)),
    "average pool": one("AveragePool", kernel_shape=[2, 2], strides=[2, 2]),
    "average pool, padded": one("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    "average pool, pads counted": one("AveragePool", kernel_shape=[3, 3], pads=[1, 0, 1, 2], count_include_pad=1),
    "average pool, ceil": one("AveragePool", kernel_shape=[3, 2], strides=[2, 3], pads=[1, 0, 1, 1], ceil_mode=1),
    "average pool, ceil, pads counted": one(
        "AveragePool", kernel_shape=[3, 3], strides=[3, 2], pads=[1, 1, 1, 1], ceil_mode=1, count_include_pad=1
    ),
    "average pool, dilated": one("AveragePool", kernel_shape=[2, 2], dilations=[2, 2]),
    "average pool, 3-D": one("AveragePool", kernel_shape=[2, 3, 2], shape=(1, 4, 5, 6, 7)),
    "pad": one("Pad", _PADS, np.float32(-9.0)),
    "pad that cuts": one("Pad", np.array([0, 0, -1, 2, 0, 0, 3, -2])),
    "pad by reflection": one("Pad", _PADS, mode="reflect"),
    "pad by the edge": one("Pad", _PADS, mode="edge"),
    "pad round": one("Pad", _PADS, mode="wrap"),
    "pad, axes": one("Pad", np.array([2, 1, 0, 3]), "", np.array([3, 2])),
    "reshape": one("Reshape", np.array([1, 2, -1])),
    "reshape, batch unsaid": one("Reshape", np.array([-1, 720])),
    "reshape, zero keeps": one("Reshape", np.array([0, 4, -1])),
    "flatten": one("Flatten"),
    "transpose": one("Transpose", perm=[0, 2, 3, 1]),
    "squeeze": one("Squeeze", np.array([2]), shape=(1, 8, 1, 5)),
    "unsqueeze": one("Unsqueeze", np.array([2, -1])),
    "slice": one("Slice", np.array([1, -4]), np.array([5, 99]), np.array([1, 2]), np.array([2, 1])),
    "slice backwards": one("Slice", np.array([-1]), np.array([-(2**31)]), np.array([3]), np.array([-2])),
    "depth to space": one("DepthToSpace", blocksize=2),
    "depth to space, CRD": one("DepthToSpace", blocksize=2, mode="CRD"),
    "space to depth": one("SpaceToDepth", blocksize=2, shape=(1, 3, 6, 8)),
    "identity": one("Identity"),
    "batch norm": one(
        "BatchNormalization", *(f32(*np.linspace(low, 2, 8)) for low in (0.5, -1, -0.5, 0.3)), epsilon=1e-3
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_op(name: str) -> None:
    same_as_onnx_runtime(CASES[name])


@pytest.mark.parametrize("coordinates", ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
@pytest.mark.parametrize("scale", [(2.0, 2.0), (0.6, 1.7), (1.0, 3.0)])
def test_resize(mode: str, coordinates: str, scale: tuple[float, float]) -> None:
    scales = np.array([1, 1, *scale], np.float32)
    same_as_onnx_runtime(one("Resize", "", scales, mode=mode, coordinate_transformation_mode=coordinates))


@pytest.mark.parametrize("rounding", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
def test_resize_to_a_size(rounding: str) -> None:
    sizes = np.array([1, 8, 18, 25])
    same_as_onnx_runtime(
        one("Resize", "", "", sizes, nearest_mode=rounding, coordinate_transformation_mode="asymmetric")
    )


def test_resize_in_one_dimension() -> None:
    same_as_onnx_runtime(one("Resize", "", f32(1, 1, 2.5), mode="linear", shape=(1, 4, 9)))


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_convolutions(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 3))
    sizes = tuple(data.draw(st.integers(5, 8)) for _ in range(count))
    kernel = [data.draw(st.integers(1, 3)) for _ in range(count)]
    group = data.draw(st.sampled_from([1, 2, 4]))
    net = NetBuilder((1, 4, *sizes), seed=data.draw(st.integers(0, 99)))
    weight = net.rng.normal(0, 0.4, (8, 4 // group, *kernel)).astype(np.float32)
    names = [net.input, net.constant("w", weight)]
    if data.draw(st.booleans()):
        names.append(net.constant("b", net.rng.normal(0, 1, 8).astype(np.float32)))
    net.node(
        "Conv", names, name="y", kernel_shape=kernel, group=group,
        strides=[data.draw(st.integers(1, 3)) for _ in kernel],
        dilations=[data.draw(st.integers(1, 2)) for _ in kernel],
        pads=[data.draw(st.integers(0, 2)) for _ in kernel * 2],
    )  # fmt: skip
    same_as_onnx_runtime(net)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_transposed_convolutions(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 3))
    sizes = tuple(data.draw(st.integers(3, 5)) for _ in range(count))
    kernel = [data.draw(st.integers(2, 3)) for _ in range(count)]
    strides = [data.draw(st.integers(1, 3)) for _ in kernel]
    group = data.draw(st.sampled_from([1, 2]))
    net = NetBuilder((1, 4, *sizes), seed=data.draw(st.integers(0, 99)))
    weight = net.rng.normal(0, 0.4, (4, 6 // group, *kernel)).astype(np.float32)
    names = [net.input, net.constant("w", weight)]
    if data.draw(st.booleans()):
        names.append(net.constant("b", net.rng.normal(0, 1, 6).astype(np.float32)))
    net.node(
        "ConvTranspose", names, name="y", kernel_shape=kernel, group=group, strides=strides,
        pads=[data.draw(st.integers(0, 1)) for _ in kernel * 2],
        output_padding=[data.draw(st.integers(0, step - 1)) for step in strides],
    )  # fmt: skip
    same_as_onnx_runtime(net)


@pytest.mark.parametrize("bias", [(), (6,), (1, 1), (1, 6)])
@pytest.mark.parametrize("transposed", [0, 1])
def test_gemm(bias: tuple[int, ...], transposed: int) -> None:
    net = NetBuilder((1, 5))
    names = [net.input, net.constant("w", net.rng.normal(size=(6, 5) if transposed else (5, 6)).astype(np.float32))]
    if bias:
        names.append(net.constant("b", net.rng.normal(size=bias).astype(np.float32)))
    net.node("Gemm", names, name="y", transB=transposed, alpha=0.5, beta=2.0)
    same_as_onnx_runtime(net)


def test_concat_and_split() -> None:
    net = NetBuilder(_IMAGE)
    sizes = net.constant("sizes", np.array([3, 5]))
    net.nodes.append(helper.make_node("Split", [net.input, sizes], ["one", "other"], axis=1, name="split"))
    net.nodes.append(helper.make_node("Split", ["other"], ["a", "b", "c"], axis=3, num_outputs=3, name="thirds"))
    net.node("Concat", ["a", "c", "b"], name="y", axis=3)
    same_as_onnx_runtime(net, "one", "y")


def test_every_op_that_runs_in_int8_has_a_row() -> None:
    assert set(ROWS) <= set(OPS)


def test_every_row_is_tried_here() -> None:
    tried = {node.op_type for net in CASES.values() for node in net.nodes}
    assert set(OPS) - tried == {"Conv", "ConvTranspose", "Gemm", "Concat", "Split", "Resize"}
