"""Transposes meet and go; what they pass over gives the same values, bit by bit."""

from __future__ import annotations

import numpy as np
import onnx_ir.passes.common as common
import pytest
from sepia.graph.passes import canonicalize
from sepia.graph.passes.remove_identity import remove_identity
from sepia.graph.passes.sink_transposes import sink_transposes, still_transposes
from support.graphs import NetBuilder, random_input, run_graph
from support.passes import holds, loaded, ops

BACK = [0, 3, 1, 2]
THERE = [0, 2, 3, 1]


def transposed(net: NetBuilder, x: str, order: list[int] = THERE) -> str:
    return net.node("Transpose", [x], perm=order)


def settled(net: NetBuilder, *outputs: str, tolerance: float = 0.0) -> list[str]:
    """Ops that are left when the pass has run until it finds nothing, having checked that the outputs stay."""
    proto = net.proto(*outputs)
    model = loaded(proto)
    feeds = random_input(proto)
    wanted = run_graph(model, feeds)
    while sink_transposes(model) | remove_identity(model):
        common.RemoveUnusedNodesPass()(model)
    found = run_graph(model, feeds)
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=tolerance)
    return ops(model)


@pytest.mark.parametrize("op", ["Relu", "Sigmoid", "HardSwish", "LeakyRelu"])
def test_over_an_activation(op: str) -> None:
    net = NetBuilder((1, 3, 4, 5))
    assert settled(net, transposed(net, net.node(op, [transposed(net, net.input)]), BACK)) == [op]


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Max", "Min"])
@pytest.mark.parametrize("shape", [(), (3,), (1, 1, 5, 3), (4, 1, 1)])
@pytest.mark.parametrize("first", [True, False])
def test_over_a_constant(op: str, shape: tuple[int, ...], first: bool) -> None:
    net = NetBuilder((1, 3, 4, 5))
    numbers = net.constant("numbers", net.rng.uniform(0.5, 2, shape).astype(np.float32))
    x = transposed(net, net.input)
    x = net.node(op, [x, numbers] if first else [numbers, x])
    assert settled(net, transposed(net, x, BACK)) == [op]


def test_over_two_values_and_a_concat() -> None:
    net = NetBuilder((1, 3, 4, 5))
    one, other = transposed(net, net.input), transposed(net, net.node("Relu", [net.input]))
    x = net.node("Concat", [net.node("Add", [one, other]), other], axis=-1)
    assert settled(net, transposed(net, x, BACK)) == ["Relu", "Add", "Concat"]


@pytest.mark.parametrize(("axes", "keep"), [([1, 2], 1), ([1, 2], 0), ([3], 1), ([-1], 0), ([1], 0)])
def test_over_a_mean(axes: list[int], keep: int) -> None:
    net = NetBuilder((2, 3, 4, 5))
    names = [transposed(net, net.input), net.constant("axes", np.array(axes))]
    found = settled(net, net.node("ReduceMean", names, keepdims=keep), tolerance=1e-6)
    assert found[0] == "ReduceMean"
    # Where all that is left keeps its order, nothing follows.
    assert (len(found) == 1) is (keep == 0 and axes in ([1, 2], [-1]))


def test_over_a_pad() -> None:
    net = NetBuilder((1, 3, 4, 5))
    pads = net.constant("pads", np.array([0, 1, 2, 0, 0, 3, 0, 1]))
    x = net.node("Pad", [transposed(net, net.input), pads])
    assert settled(net, transposed(net, x, BACK)) == ["Pad"]


def test_axes_of_one_are_a_reshape() -> None:
    net = NetBuilder((2, 3, 1, 1))
    assert ops(holds(still_transposes, net.proto(transposed(net, net.input)))) == ["Reshape"]
    net = NetBuilder((2, 3, 4, 1))
    assert ops(holds(still_transposes, net.proto(transposed(net, net.input)), changes=False)) == ["Transpose"]


def test_over_an_enlargement() -> None:
    net = NetBuilder((1, 3, 4, 5))
    scales = net.constant("scales", np.array([1, 2, 3, 1], np.float32))
    x = net.node("Resize", [transposed(net, net.input), "", scales], mode="nearest")
    assert settled(net, transposed(net, x, BACK)) == ["Resize"]


def test_two_orders_join() -> None:
    net = NetBuilder((2, 3, 4, 5))
    assert settled(net, transposed(net, transposed(net, net.input), [0, 2, 1, 3])) == ["Transpose"]


def test_inputs_in_two_orders_stay() -> None:
    net = NetBuilder((1, 4, 4, 4))
    x = net.node("Add", [transposed(net, net.input), transposed(net, net.input, BACK)])
    assert ops(holds(sink_transposes, net.proto(x), changes=False)) == ["Transpose", "Transpose", "Add"]


def test_a_value_that_others_read_too() -> None:
    net = NetBuilder((1, 3, 4, 5))
    x = transposed(net, net.input)
    outputs = [transposed(net, net.node("Relu", [x]), BACK), net.node("Flatten", [x], axis=1)]
    assert sorted(settled(net, *outputs)) == ["Flatten", "Relu", "Transpose"]


def test_a_network_between_transposes_is_one_without() -> None:
    net = NetBuilder((1, 8, 9, 9))
    x = net.input
    for _ in range(3):
        x = transposed(net, net.depthwise(transposed(net, x, BACK) if x != net.input else x))
        x = net.node("Relu", [net.node("Add", [x, net.constant(f"b{x}", net.rng.normal(size=8).astype(np.float32))])])
        net.channels[x] = 8
    model = canonicalize(loaded(net.proto(transposed(net, x, BACK))))
    assert ops(model) == ["Conv", "Relu"] * 3
