"""Names are unique, readable, and the same whether or not the network is quantised."""

from __future__ import annotations

import numpy as np
from sepia.graph.passes.name_nodes import name_nodes
from support.graphs import NetBuilder
from support.passes import holds


def names(model: object) -> list[str]:
    return [node.name for node in model.graph]  # type: ignore[attr-defined]


def test_after_the_weight_or_else_the_output() -> None:
    net = NetBuilder((1, 3, 8, 8))
    x = net.relu6(net.conv(net.input, 4, name="stem"))
    x = net.node("GlobalAveragePool", [x], name="pool")
    model = holds(
        name_nodes,
        net.proto(net.node("Conv", [x, net.constant("onnx::Conv_42", np.ones((2, 4, 1, 1), np.float32))], name="y")),
    )
    assert names(model) == ["stem", "clip_1", "pool", "y"]


def test_a_weight_used_twice_gets_a_number() -> None:
    net = NetBuilder((1, 3, 8, 8))
    x = net.conv(net.input, 3, name="conv")
    assert names(holds(name_nodes, net.proto(net.node("Conv", [x, "conv.weight"], name="y")))) == ["conv", "conv_1"]


def test_behind_a_quantisation_the_name_is_the_same() -> None:
    net = NetBuilder((1, 3, 8, 8))
    grid = [net.constant("s", np.float32(0.1)), net.constant("z", np.int8(0))]
    codes = net.constant("stem.weight_quantized", np.ones((3, 3, 1, 1), np.int8))
    x = net.node("Conv", [net.input, net.node("DequantizeLinear", [codes, *grid], name="w1")], name="a", channels=3)
    real = net.constant("head.weight", np.ones((3, 3, 1, 1), np.float32))
    pair = net.node("DequantizeLinear", [net.node("QuantizeLinear", [real, *grid], name="q"), *grid], name="w2")
    model = holds(name_nodes, net.proto(net.node("Conv", [x, pair], name="b")))
    assert names(model) == ["w1", "stem", "q", "w2", "head"]
