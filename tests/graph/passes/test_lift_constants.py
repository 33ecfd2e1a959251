"""Constants become initialisers, shape arithmetic disappears, equal bounds are one."""

from __future__ import annotations

import numpy as np
from onnx import helper, numpy_helper
from sepia.graph.passes.lift_constants import fold_constants, lift_constants, share_constants
from support.graphs import NetBuilder
from support.passes import holds, ops


def constant(net: NetBuilder, name: str, **attributes: object) -> str:
    net.nodes.append(helper.make_node("Constant", [], [name], **attributes))
    return name


def test_constants_of_every_spelling() -> None:
    net = NetBuilder((1, 2, 4, 4))
    tensor = constant(net, "a", value=numpy_helper.from_array(np.full((1, 2, 1, 1), 0.5, np.float32), ""))
    x = net.node("Mul", [net.node("Add", [net.input, tensor]), constant(net, "b", value_float=3.0)])
    x = net.node("Reshape", [x, constant(net, "c", value_ints=[1, -1])])
    model = holds(lift_constants, net.proto(net.node("Clip", [x, constant(net, "d", value_float=-1.0)])))
    assert ops(model) == ["Add", "Mul", "Reshape", "Clip"]
    assert set(model.graph.initializers) == {"a", "b", "c", "d"}


def test_nothing_to_lift() -> None:
    net = NetBuilder((1, 2, 4, 4))
    holds(lift_constants, net.proto(net.conv(net.input, 3)), changes=False)


def test_shape_arithmetic_of_fixed_shapes() -> None:
    net = NetBuilder((1, 2, 4, 4))
    x = net.conv(net.input, 3, kernel=3)
    shape = net.node("Shape", [x])
    first = net.node("Gather", [shape, net.constant("nought", np.array([0]))])
    wanted = net.node("Concat", [first, net.constant("rest", np.array([-1]))], axis=0)
    model = holds(fold_constants, net.proto(net.node("Reshape", [x, wanted])))
    assert ops(model) == ["Conv", "Reshape"]
    assert model.graph[-1].inputs[1].const_value.numpy().tolist() == [1, -1]


def test_shape_of_a_dynamic_batch_stays() -> None:
    net = NetBuilder((1, 2, 4, 4))
    net.inputs[net.input] = ("n", 2, 4, 4)
    shape = net.node("Shape", [net.input])
    holds(fold_constants, net.proto(net.node("Reshape", [net.node("Relu", [net.input]), shape])), changes=False)


def test_weights_computed_from_constants() -> None:
    net = NetBuilder((1, 2, 4, 4))
    weight = net.rng.normal(size=(3, 3, 2, 2)).astype(np.float32)
    lying = net.node("Transpose", [net.constant("stored", weight)], perm=[3, 2, 0, 1])
    model = holds(fold_constants, net.proto(net.node("Conv", [net.input, lying], name="y", channels=2)))
    assert ops(model) == ["Conv"]


def test_quantised_weights_are_left_alone() -> None:
    net = NetBuilder((1, 2, 4, 4))
    codes = net.constant("w_quantized", np.ones((3, 2, 1, 1), np.int8))
    names = [net.constant("w_scale", np.array(0.1, np.float32)), net.constant("w_zero", np.array(0, np.int8))]
    weight = net.node("DequantizeLinear", [codes, *names], name="w")
    holds(fold_constants, net.proto(net.node("Conv", [net.input, weight], channels=3)), changes=False)


def test_equal_bounds_are_one_and_equal_biases_stay_apart() -> None:
    net = NetBuilder((1, 4, 6, 6))
    x = net.input
    for index in range(2):
        bounds = [net.constant(f"low{index}", np.float32(0)), net.constant(f"high{index}", np.float32(6))]
        bias = net.constant(f"c{index}.bias", np.zeros(4, np.float32))
        weight = net.constant(f"c{index}.weight", net.rng.normal(size=(4, 4, 1, 1)).astype(np.float32))
        x = net.node("Clip", [net.node("Conv", [x, weight, bias], channels=4), *bounds])
    model = holds(share_constants, net.proto(x))
    assert set(model.graph.initializers) == {"low0", "high0", "c0.bias", "c1.bias", "c0.weight", "c1.weight"}


def test_equal_values_of_other_type_or_shape_stay_apart() -> None:
    net = NetBuilder((1, 4))
    x = net.node("Add", [net.input, net.constant("a", np.zeros((1, 4), np.float32))])
    x = net.node("Add", [x, net.constant("b", np.zeros(4, np.float32))])
    x = net.node("Reshape", [x, net.constant("c", np.array([4]))])
    holds(share_constants, net.proto(net.node("Gather", [x, net.constant("d", np.array([4 - 4]))])), changes=False)
