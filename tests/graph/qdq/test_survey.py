"""Every node that cannot be read is told, not the first alone."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.errors import UnsupportedQuantization
from sepia.graph.qdq import read_qdq
from support.pairs import Quantised
from support.passes import loaded


def test_all_reasons_at_once() -> None:
    net = Quantised((1, 4, 8, 8))
    sixteen = net.pair(net.input, 0.001, 0, np.int16)
    relu = net.node("Relu", [sixteen])
    first = net.node("QuantizeLinear", [relu, *net.grid("a", 0.1, 3)], name="q")
    second = net.node("DequantizeLinear", [first, *net.grid("b", 0.2, 3)], name="dq")
    codes = net.node("QuantizeLinear", [second, *net.grid("c", 0.1, 3)], name="r")
    flat = net.node("Reshape", [codes, net.constant("shape", np.array([1, -1]))], name="flat")
    back = net.node("DequantizeLinear", [flat, *net.grid("d", 0.1, 3)], name="dr")
    with pytest.raises(UnsupportedQuantization) as caught:
        read_qdq(loaded(net.proto(back, opset=21)))
    assert [refusal.what for refusal in caught.value.refusals] == [
        "has int16 codes",
        "disagrees with 'q_node' on scale or zero point",
        "works on integer codes",
        "reads codes that no QuantizeLinear made",
    ]
    text = str(caught.value)
    assert text.startswith("quantised graph: cannot be carried over exactly: ")
    assert text.count(" | ") == 3
    assert "'flat_node' (Reshape)" in text
    assert "\n" not in text


def test_integer_operators_are_named() -> None:
    net = Quantised((1, 4, 3, 3))
    x = net.node("QuantizeLinear", [net.input, *net.grid("x", 0.1, 3)], name="q")
    weight = net.constant("w", np.ones((2, 4, 1, 1), np.int8))
    grids = [*net.grid("v", 0.1, 0, np.int8), *net.grid("y", 0.1, 3)]
    x_grid = [f"x_{part}" for part in ("scale", "zero_point")]
    y = net.node("QLinearConv", [x, *x_grid, weight, *grids], name="conv", channels=2)
    with pytest.raises(UnsupportedQuantization, match=r"'conv_node' \(QLinearConv\): works on integer codes"):
        read_qdq(loaded(net.proto(net.node("DequantizeLinear", [y, *grids[2:]], name="dq"))))
