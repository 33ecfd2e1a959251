"""Each op of the table: small networks quantised, judged code by code, and what ONNX Runtime fuses them to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from sepia.quantize.op_table import ROWS, bounds_of, refusal
from support.graphs import NetBuilder
from support.quantising import Quantised, int8_kernels, quantised, with_values

_IMAGE = (1, 8, 10, 10)
_HALF = np.array([1, 1, 2, 2], np.float32)
_MARGINS = np.array([0, 0, 1, 2, 0, 0, 3, 1])
Net = Callable[[], NetBuilder]


def after_conv(
    op: str, *constants: NDArray[np.generic] | str, shape: tuple[int, ...] = _IMAGE, **attributes: object
) -> Net:
    """Conv → op. constants: the op's further inputs; "" leaves one out."""

    def build() -> NetBuilder:
        net = NetBuilder(shape)
        x = net.conv(net.input, 8, kernel=3, name="conv")
        rest = [c if isinstance(c, str) else net.constant(f"constant_{i}", c) for i, c in enumerate(constants)]
        net.node(op, [x, *rest], name="y", **attributes)
        return net

    return build


def two_convs(op: str, *, then: str = "") -> Net:
    def build() -> NetBuilder:
        net = NetBuilder(_IMAGE)
        x = net.node(op, [net.conv(net.input, 8, kernel=3), net.conv(net.input, 8)], name="y")
        if then:
            net.node(then, [x], name="z")
        return net

    return build


def conv(shape: tuple[int, ...] = _IMAGE, **options: int | tuple[int, ...]) -> Net:
    def build() -> NetBuilder:
        net = NetBuilder(shape)
        group = int(str(options.pop("group", 1)))
        net.relu6(net.conv(net.input, 8, group=group, name="conv", **options))  # type: ignore[arg-type]
        return net

    return build


def squeeze_excite() -> NetBuilder:
    net = NetBuilder(_IMAGE)
    x = net.conv(net.input, 8)
    s = net.node("Relu", [net.conv(net.node("GlobalAveragePool", [x], name="squeeze"), 2)])
    s = net.node("HardSigmoid", [net.conv(s, 8)], alpha=1 / 6, beta=0.5, name="excite")
    net.node("Mul", [x, s], name="y")
    return net


def silu() -> NetBuilder:
    net = NetBuilder(_IMAGE)
    x = net.conv(net.input, 8, name="x")
    net.node("Mul", [x, net.node("Sigmoid", [x], name="gate")], name="y")
    return net


def concat(second: str) -> Net:
    def build() -> NetBuilder:
        net = NetBuilder(_IMAGE)
        x = net.conv(net.input, 4)
        y = net.relu6(x) if second == "Clip" else net.node(second, [x])
        net.node("Concat", [net.conv(net.input, 8, kernel=3), y], name="y", axis=1)
        return net

    return build


def split() -> NetBuilder:
    net = NetBuilder(_IMAGE)
    x = net.conv(net.input, 8)
    sizes = net.constant("sizes", np.array([3, 5]))
    net.nodes.append(helper.make_node("Split", [x, sizes], ["one", "other"], axis=1, name="split"))
    net.channels |= {"one": 3, "other": 5}
    net.node("Concat", [net.conv("other", 3), "one"], name="y", axis=1)
    return net


def with_constant(op: str) -> Net:
    def build() -> NetBuilder:
        net = NetBuilder(_IMAGE)
        # By row, for one by channel goes into the convolution.
        factor = net.constant("factor", np.linspace(-1, 2, 10, dtype=np.float32).reshape(1, 1, 10, 1))
        net.node(op, [net.conv(net.input, 8), factor], name="y")
        return net

    return build


def transposed() -> NetBuilder:
    net = NetBuilder(_IMAGE)
    x = net.conv(net.input, 8)
    weight = net.constant("up.weight", net.rng.normal(0, 0.3, (8, 4, 3, 3)).astype(np.float32))
    net.node("ConvTranspose", [x, weight], name="y", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 1, 1])
    return net


def depthwise_transposed() -> NetBuilder:
    net = NetBuilder(_IMAGE)
    x = net.conv(net.input, 8)
    weight = net.constant("up.weight", net.rng.normal(0, 0.3, (8, 1, 3, 3)).astype(np.float32))
    net.node("ConvTranspose", [x, weight], name="y", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 1, 1], group=8)
    return net


def head(transposed_weight: bool) -> Net:
    def build() -> NetBuilder:
        net = NetBuilder(_IMAGE)
        x = net.node("Flatten", [net.node("GlobalAveragePool", [net.conv(net.input, 8, kernel=3)], name="pool")])
        net.gemm(x, 5, name="fc")
        if not transposed_weight:
            (tensor,) = (t for t in net.initializers if t.name == "fc.weight")
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).T.copy(), "fc.weight"))
            del net.nodes[-1].attribute[:]
        return net

    return build


NETS: dict[str, tuple[Net, str]] = {
    "standard conv": (conv(kernel=3), "QLinearConv"),
    "strided conv": (conv(kernel=3, stride=2), "QLinearConv"),
    "dilated conv": (conv(kernel=3, dilation=2), "QLinearConv"),
    "pointwise conv": (conv(), "QLinearConv"),
    "depthwise conv": (conv(kernel=5, group=8), "QLinearConv"),
    "grouped conv": (conv(kernel=3, group=2), "QLinearConv"),
    "1-D depthwise": (conv((1, 8, 30), kernel=5, group=8, stride=2), "QLinearConv"),
    "3-D conv": (conv((1, 4, 5, 6, 7), kernel=(1, 3, 3)), "QLinearConv"),
    "3-D depthwise": (conv((1, 8, 5, 6, 7), kernel=3, group=8), "QLinearConv"),
    "transposed conv": (transposed, "QLinearConv ConvTranspose"),
    "depthwise transposed conv": (depthwise_transposed, "QLinearConv ConvTranspose"),
    "fully connected": (head(True), "QLinearConv QLinearGlobalAveragePool Reshape QGemm"),
    "fully connected, weight [in, out]": (head(False), "QLinearConv QLinearGlobalAveragePool Reshape QGemm"),
    "add": (two_convs("Add"), "QLinearConv QLinearConv QLinearAdd"),
    "add, relu": (two_convs("Add", then="Relu"), "QLinearConv QLinearConv QLinearAdd"),
    "sub": (two_convs("Sub"), "QLinearConv QLinearConv Sub"),
    "mul": (two_convs("Mul"), "QLinearConv QLinearConv QLinearMul"),
    "add a constant": (with_constant("Add"), "QLinearConv QLinearAdd"),
    "mul by a constant": (with_constant("Mul"), "QLinearConv QLinearMul"),
    "squeeze-excite": (
        squeeze_excite,
        "QLinearConv QLinearGlobalAveragePool QLinearConv QLinearConv HardSigmoid QLinearMul",
    ),
    "SiLU": (silu, "QLinearConv QLinearSigmoid QLinearMul"),
    "relu": (after_conv("Relu"), "QLinearConv"),
    "relu of the input": (lambda: relu_first(), "QLinearConv"),
    "hard swish": (after_conv("HardSwish"), "QLinearConv HardSigmoid Mul"),
    "hard sigmoid": (after_conv("HardSigmoid", alpha=0.2, beta=0.5), "QLinearConv HardSigmoid"),
    "sigmoid": (after_conv("Sigmoid"), "QLinearConv QLinearSigmoid"),
    "softmax": (after_conv("Softmax", axis=1), "QLinearConv QLinearSoftmax"),
    "global average pool": (after_conv("GlobalAveragePool"), "QLinearConv QLinearGlobalAveragePool"),
    "average pool": (after_conv("AveragePool", kernel_shape=[2, 2], strides=[2, 2]), "QLinearConv QLinearAveragePool"),
    "average pool, padded": (
        after_conv("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        "QLinearConv QLinearAveragePool",
    ),
    "max pool": (after_conv("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]), "QLinearConv MaxPool"),
    "mean over channels": (after_conv("ReduceMean", np.array([1]), keepdims=1), "QLinearConv ReduceMean"),
    "concat": (concat("Identity"), "QLinearConv QLinearConv QLinearConcat"),
    "concat with relu6": (concat("Clip"), "QLinearConv QLinearConv Clip QLinearConcat"),
    "concat with sigmoid": (concat("Sigmoid"), "QLinearConv QLinearConv QLinearSigmoid QLinearConcat"),
    "pad": (after_conv("Pad", _MARGINS, np.array(-9.0, np.float32)), "QLinearConv Pad"),
    "pad by reflection": (after_conv("Pad", _MARGINS, mode="reflect"), "QLinearConv Pad"),
    "pad by repetition": (after_conv("Pad", _MARGINS, mode="edge"), "QLinearConv Pad"),
    "resize to nearest": (after_conv("Resize", "", _HALF, mode="nearest"), "QLinearConv Resize"),
    "resize, linear": (after_conv("Resize", "", _HALF, mode="linear"), "QLinearConv Resize"),
    "reshape": (after_conv("Reshape", np.array([1, 2, -1])), "QLinearConv Reshape"),
    "flatten": (after_conv("Flatten"), "QLinearConv Reshape"),
    "transpose": (after_conv("Transpose", perm=[0, 2, 3, 1]), "QLinearConv Transpose"),
    "slice": (after_conv("Slice", np.array([1]), np.array([5]), np.array([1])), "QLinearConv Slice"),
    "split": (split, "QLinearConv Split QLinearConv QLinearConcat"),
}
"""Name → (network, what ONNX Runtime runs between the first QuantizeLinear and the last DequantizeLinear)."""


def relu_first() -> NetBuilder:
    net = NetBuilder(_IMAGE)
    net.conv(net.node("Relu", [net.input]), 4, name="conv")
    return net


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Quantised]:
    """Each network quantised once."""
    done: dict[str, Quantised] = {}

    def get(name: str) -> Quantised:
        if name not in done:
            done[name] = quantised(NETS[name][0](), tmp_path_factory.mktemp("net"))
        return done[name]

    return get


@pytest.mark.parametrize("name", NETS)
def test_what_onnx_runtime_fuses(name: str, made: Callable[[str], Quantised], tmp_path: Path) -> None:
    ops = [line.split()[0] for line in int8_kernels(made(name).path, tmp_path)]
    moved = [op for op in ops if op not in ("QuantizeLinear", "DequantizeLinear")]
    assert " ".join(moved) == NETS[name][1]


@pytest.mark.parametrize("name", NETS)
def test_nothing_is_left_in_float(name: str, made: Callable[[str], Quantised]) -> None:
    assert made(name).summary.left_float == ()


@pytest.mark.parametrize("name", NETS)
def test_codes_are_those_of_the_float_op_between_the_grids(name: str, made: Callable[[str], Quantised]) -> None:
    """Each op on the codes that ONNX Runtime really had before it: at most 1 LSB from the op in float64."""
    net = made(name)
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in net.graph.initializer}
    quantizers = {node.input[0]: node for node in net.graph.node if node.op_type == "QuantizeLinear"}
    dequantizers = {node.output[0]: node for node in net.graph.node if node.op_type == "DequantizeLinear"}
    ops = [node for node in net.graph.node if node.op_type not in ("QuantizeLinear", "DequantizeLinear")]
    codes = with_values(net.path, [node.output[0] for node in quantizers.values()], net.sample())
    assert ops

    def real(value: str) -> NDArray[np.float64]:
        if value not in dequantizers:
            return stored[value]
        node = dequantizers[value]
        held, scale, zero_point = (stored[n] if n in stored else codes[n] for n in node.input)
        axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
        shape = [-1 if scale.ndim and index == axis else 1 for index in range(held.ndim)]
        return (held.astype(np.float64) - zero_point.reshape(shape)) * scale.astype(np.float64).reshape(shape)

    for op in ops:
        found = alone(op, {value: real(value) for value in op.input if value})
        for output, values in zip(op.output, found, strict=True):
            quantizer = quantizers[output]
            scale, zero_point = (stored[value] for value in quantizer.input[1:])
            expected = np.clip(np.rint(values / np.float64(scale)) + int(zero_point), 0, 255)
            difference = np.abs(expected - codes[quantizer.output[0]])
            assert difference.max() <= 1, op.op_type
            assert (difference > 0).mean() < 0.02, op.op_type


def alone(op: onnx.NodeProto, inputs: dict[str, NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """One node in ONNX's own reference implementation."""
    given = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in inputs.items()
    ]
    ends = [onnx.ValueInfoProto(name=name) for name in op.output]
    graph = helper.make_graph([op], "one", given, ends)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    return ReferenceEvaluator(model).run(None, inputs)  # type: ignore[return-value]


@pytest.mark.parametrize("name", NETS)
def test_the_whole_is_near_float(name: str, made: Callable[[str], Quantised]) -> None:
    net = made(name)
    (output,) = (info.name for info in net.graph.output)
    expected, found = (with_values(path, [output], net.sample())[output] for path in (net.source, net.path))
    noise = np.sqrt(np.square(expected - found).mean())
    assert noise < 0.03 * expected.std()


SAME_GRID = ["max pool", "average pool", "pad", "resize, linear", "reshape", "flatten", "transpose", "slice"]


@pytest.mark.parametrize("name", SAME_GRID)
def test_ops_that_move_values_keep_the_grid(name: str, made: Callable[[str], Quantised]) -> None:
    net = made(name)
    assert (net.scale("conv"), net.zero_point("conv")) == (net.scale("y"), net.zero_point("y"))


def test_what_pad_writes_is_on_the_grid(made: Callable[[str], Quantised]) -> None:
    net = made("pad")
    assert -net.zero_point("y") * net.scale("y") == pytest.approx(-9.0, rel=0.01)


@pytest.mark.parametrize(("name", "tensor"), [("sigmoid", "y"), ("softmax", "y"), ("SiLU", "gate")])
def test_grids_known_beforehand(name: str, tensor: str, made: Callable[[str], Quantised]) -> None:
    assert (made(name).scale(tensor), made(name).zero_point(tensor)) == (1 / 256, 0)


LEFT: dict[str, tuple[Net, str]] = {
    "cubic": (after_conv("Resize", "", _HALF, mode="cubic"), "overshoots"),
    "tanh": (after_conv("Tanh"), "no int8 kernel"),
    "dilated average": (
        after_conv("AveragePool", kernel_shape=[2, 2], dilations=[2, 2]), "dilated window",
    ),
    "clip above zero": (after_conv("Clip", np.array(0.5, np.float32), np.array(2.0, np.float32)), "zero out"),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT)
def test_what_is_left_in_float_has_its_reason(name: str, tmp_path: Path) -> None:
    net = quantised(LEFT[name][0](), tmp_path)
    (left,) = net.summary.left_float
    assert LEFT[name][1] in left.reason
    readers = [node for node in net.graph.node if node.op_type == left.op]
    assert readers[0].output[0] == "y"
    assert readers[0].input[0] == "conv_dequantized"


def node_of(net: Net) -> ir.Node:
    return list(ir.from_proto(net().proto("y")).graph)[-1]


def test_bounds() -> None:
    assert bounds_of(node_of(after_conv("Relu"))) == (0.0, np.inf)
    assert bounds_of(node_of(after_conv("HardSigmoid"))) == (0.0, 1.0)
    assert bounds_of(node_of(after_conv("HardSwish"))) == (-np.inf, np.inf)
    assert bounds_of(node_of(after_conv("Clip", np.array(-1.0, np.float32), ""))) == (-1.0, np.inf)


def test_weights_that_are_computed_are_refused() -> None:
    net = NetBuilder(_IMAGE)
    net.inputs["kernel"] = (4, 8, 1, 1)
    net.node("Conv", [net.input, "kernel"], name="y", kernel_shape=[1, 1])
    (node,) = ir.from_proto(net.proto("y")).graph
    assert "computed" in (refusal(node) or "")


def test_a_transposed_convolution_in_groups_of_several_has_no_axis() -> None:
    net = NetBuilder((1, 4, 5, 5))
    weight = net.constant("w", np.ones((4, 3, 2, 2), np.float32))
    net.node("ConvTranspose", [net.input, weight], name="y", kernel_shape=[2, 2], group=2)
    (node,) = ir.from_proto(net.proto("y")).graph
    assert "no axis of its own" in (refusal(node) or "")


def test_every_op_of_the_table_is_tried_here() -> None:
    tried = {node.op_type for build, _ in NETS.values() for node in build().nodes}
    # Identity is gone in canonical form, and these five take the way of Reshape and MaxPool.
    moved = {"Squeeze", "Unsqueeze", "DepthToSpace", "SpaceToDepth", "GlobalMaxPool", "Identity"}
    assert set(ROWS) - moved <= tried | {"Clip"}
