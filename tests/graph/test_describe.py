"""The text of a graph, and the goldens that are reviewed as diffs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx_ir as ir
from sepia.graph.describe import describe
from sepia.graph.passes import canonicalize
from sepia.graph.qdq import read_qdq
from support.graphs import NetBuilder, tiny_separable
from support.pairs import Quantised
from support.passes import loaded

Golden = Callable[[str, str], None]


def test_every_part_of_a_line() -> None:
    net = NetBuilder((1, 3, 8, 8))
    x = net.conv(net.input, 4, kernel=(1, 3), name="sep")
    x = net.node("Resize", [x, "", net.constant("by", np.float32([1, 1, 2, 2]))], mode="nearest")
    model = loaded(net.proto(net.node("LeakyRelu", [x], alpha=0.1)))
    assert describe(model).splitlines() == [
        "input image[1×3×8×8]",
        "sep[1×4×8×8] = sep_node: Conv (spatially separable) (image, sep.weight[4×3×1×3], sep.bias[4]) "
        "{dilations=[1,1] group=1 kernel_shape=[1,3] pads=[0,1,0,1] strides=[1,1]}",
        "resize_1[1×4×16×16] = resize_1_node: Resize (shape) (sep, ·, by=[1.0, 1.0, 2.0, 2.0]) {mode=nearest}",
        "leakyrelu_2[1×4×16×16] = leakyrelu_2_node: LeakyRelu (activation) (resize_1) {alpha=0.1}",
        "output leakyrelu_2[1×4×16×16]",
    ]


def test_other_domains_types_and_dynamic_batches() -> None:
    x = ir.val("x", shape=["n", 4], dtype=ir.DataType.INT64)
    node = ir.Node("com.example", "Odd", [x], name="odd")
    node.outputs[0].name = "y"
    model = ir.Model(ir.Graph([x], node.outputs, nodes=[node], opset_imports={"": 20}), ir_version=9)
    assert describe(model).splitlines()[:2] == ["input x[n×4 int64]", "y[? ?] = odd: com.example.Odd (other) (x)"]


def test_canonical_tiny_network(golden: Golden) -> None:
    golden("tiny_canonical.txt", describe(canonicalize(loaded(tiny_separable()))))


def everything() -> NetBuilder:
    """What each pass is about, once."""
    net = Quantised((1, 3, 12, 12))
    x = net.node("Pad", [net.input, net.constant("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1]))])
    x = net.relu6(net.batch_norm(net.conv(x, 8, kernel=3, pad=0, stride=2, bias=False, name="stem")))
    for name, value in (("three", 3), ("sixth", 1 / 6)):
        net.constant(name, np.float32(value))
    gate = net.node("Mul", [net.node("Clip", [net.node("Add", [x, "three"]), "zero", "six"]), "sixth"])
    x = net.node("Dropout", [net.node("Mul", [x, gate])])
    x = net.node("ReduceMean", [x, net.constant("axes", np.array([2, 3]))], keepdims=0)
    weight = net.constant("fc.weight", net.rng.normal(size=(8, 3)).astype(np.float32))
    x = net.node("Add", [net.node("MatMul", [x, weight]), net.constant("fc.bias", np.ones(3, np.float32))])
    net.node("Identity", [net.node("Unsqueeze", [x, net.constant("last", np.array([2]))])], name="scores")
    return net


def test_canonical_form_of_what_each_pass_is_about(golden: Golden) -> None:
    golden("everything_canonical.txt", describe(canonicalize(loaded(everything().proto("scores")))))


def test_view_of_a_quantised_layer(golden: Golden) -> None:
    net = Quantised((1, 3, 6, 6))
    weight = net.coded("conv.weight", np.ones((4, 3, 3, 3), np.int8), [0.01, 0.02, 0.03, 0.04])
    x = net.node("Conv", [net.pair(net.input), weight], pads=[1, 1, 1, 1], channels=4)
    x = net.pair(net.node("Relu", [x], name="act"), 0.03, 0)
    view = read_qdq(canonicalize(loaded(net.proto(net.pair(net.node("MaxPool", [x], kernel_shape=[2, 2]), 0.02, 0)))))
    grids = [
        f"{name}: {held.dtype} scale {' '.join(f'{scale:.5g}' for scale in held.scale)} "
        f"zero {held.zero_point.tolist()} axis {held.axis}\n"
        for name, held in sorted(view.params.items())
    ]
    golden("quantised_view.txt", describe(view.model) + "".join(grids))
