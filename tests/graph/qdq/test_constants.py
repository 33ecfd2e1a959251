"""Weights and biases: codes, parameters and names."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import numpy_helper
from sepia.errors import GraphError
from sepia.graph.qdq import read_qdq
from support.graphs import random_input, run_graph
from support.pairs import Quantised
from support.passes import loaded


def layer(weight_scale: object = 0.02, **bias: object) -> Quantised:
    """conv(pair(image)) → pair, with an int8 weight."""
    net = Quantised((1, 3, 6, 6))
    codes = net.rng.integers(-127, 128, (4, 3, 1, 1)).astype(np.int8)
    inputs = [net.pair(net.input), net.coded("conv.weight", codes, weight_scale)]
    if "real" in bias:
        inputs.append(net.constant("conv.bias", np.asarray(bias["real"], np.float32)))
    if "codes" in bias:
        inputs.append(net.coded("conv.bias", np.asarray(bias["codes"], np.int32), bias["scale"]))
    net.pair(net.node("Conv", inputs, name="y", channels=4))
    return net


def end(net: Quantised) -> str:
    return net.nodes[-1].output[0]


def test_codes_and_grid_per_tensor() -> None:
    net = layer()
    view = net.view(end(net))
    (conv,) = view.model.graph
    weight = conv.inputs[1]
    assert weight.name == "conv.weight"
    stored = next(numpy_helper.to_array(t) for t in net.initializers if t.name == "conv.weight_quantized")
    np.testing.assert_array_equal(view.codes["conv.weight"], stored)
    assert view.params["conv.weight"].axis is None
    np.testing.assert_array_equal(weight.const_value.numpy(), stored.astype(np.float32) * np.float32(0.02))


def test_grid_per_channel() -> None:
    net = layer(weight_scale=[0.01, 0.02, 0.03, 0.04])
    params = net.view(end(net)).params["conv.weight"]
    assert params.axis == 0
    np.testing.assert_array_equal(params.scale, np.array([0.01, 0.02, 0.03, 0.04], np.float32))


def test_one_constant_for_two_readers() -> None:
    net = Quantised((1, 3, 6, 6))
    weight = net.coded("w.weight", np.ones((3, 3, 1, 1), np.int8), 0.1)
    x = net.pair(net.node("Conv", [net.pair(net.input), weight], channels=3))
    view = net.view(net.pair(net.node("Conv", [x, weight], channels=3)))
    assert len(view.codes) == 1
    assert [node.name for node in view.model.graph] == ["w", "w_1"]


@pytest.mark.parametrize("weight_scale", [0.02, [0.01, 0.02, 0.03, 0.04]], ids=["per tensor", "per channel"])
def test_a_float_bias_is_rounded_to_the_accumulator(weight_scale: object) -> None:
    real = np.array([0.3, -1.2, 0.00071, 5.0], np.float32)
    net = layer(weight_scale, real=real)
    view = net.view(end(net))
    held = view.params["conv.bias"]
    expected = np.float32(0.05) * np.asarray(weight_scale, np.float32)
    np.testing.assert_array_equal(np.broadcast_to(held.scale, (4,)), np.broadcast_to(expected, (4,)))
    assert held.dtype == "int32"
    assert not held.zero_point.any()
    np.testing.assert_array_equal(view.codes["conv.bias"], np.rint(real / expected.astype(np.float64)))
    assert view.runs_in_int8(view.model.graph[0])


def test_a_bias_on_a_grid_of_its_own_is_moved() -> None:
    net = layer(codes=[100, -7, 3, 0], scale=0.007)
    view = net.view(end(net))
    np.testing.assert_array_equal(view.params["conv.bias"].scale, np.float32([0.05]) * np.float32(0.02))
    assert view.codes["conv.bias"].tolist() == [700, -49, 21, 0]


def test_a_bias_on_the_accumulators_grid_keeps_its_codes() -> None:
    nearly = np.float32(0.05) * np.float32(0.02) * np.float32(1 + 3e-7)
    net = layer(codes=[2**30, -7, 3, 0], scale=nearly)
    view = net.view(end(net))
    assert view.codes["conv.bias"].tolist() == [2**30, -7, 3, 0]
    assert view.params["conv.bias"].scale[0] == nearly


def test_a_bias_too_great_for_int32_leaves_its_layer_in_float() -> None:
    net = layer(real=[0, 0, 0, 3e6])
    view = net.view(end(net))
    assert "conv.bias" not in view.params
    assert not view.runs_in_int8(view.model.graph[0])


def test_the_bias_of_a_float_layer_stays() -> None:
    net = layer(real=[1, 2, 3, 4])
    view = net.view("y")
    assert "conv.bias" not in view.params


@pytest.mark.parametrize("op", ["Gemm", "MatMul"])
@pytest.mark.parametrize("axis", [None, 1])
def test_fully_connected_weights_lie_outputs_first(op: str, axis: int | None) -> None:
    net = Quantised((2, 6))
    codes = net.rng.integers(-127, 128, (6, 4)).astype(np.int8)
    scale = 0.02 if axis is None else [0.01, 0.02, 0.03, 0.04]
    weight = net.coded("fc.weight", codes, scale, axis=1)
    proto = net.proto(net.node(op, [net.pair(net.input), weight]))
    view = read_qdq(loaded(proto))
    (gemm,) = view.model.graph
    assert (gemm.op_type, gemm.name, gemm.attributes.get_int("transB", 0)) == ("Gemm", "fc", 1)
    np.testing.assert_array_equal(view.codes["fc.weight"], codes.T)
    assert view.params["fc.weight"].axis == (None if axis is None else 0)


def test_a_transposed_weight_is_transposed_beforehand() -> None:
    net = Quantised((2, 6))
    codes = net.rng.integers(-127, 128, (4, 6)).astype(np.int8)
    lying = net.node("Transpose", [net.coded("fc.weight", codes, [0.01, 0.02, 0.03, 0.04])], perm=[1, 0])
    view = read_qdq(loaded(net.proto(net.node("MatMul", [net.pair(net.input), lying]))))
    (gemm,) = view.model.graph
    (name,) = view.codes
    np.testing.assert_array_equal(view.codes[name], codes)
    assert view.params[name].axis == 0
    assert gemm.inputs[1].name == name


@pytest.mark.parametrize(("shape", "axis"), [((6, 1, 3, 3), 0), ((1, 6, 9), 1), ((2, 27), None), ((9, 6), None)])
def test_a_reshaped_weight_keeps_its_channels_or_stays(shape: tuple[int, ...], axis: int | None) -> None:
    net = Quantised(shape)
    codes = net.rng.integers(-127, 128, (6, 9)).astype(np.int8)
    weight = net.coded("w", codes, np.linspace(0.01, 0.06, 6))
    moved = net.node("Reshape", [weight, net.constant("shape", np.array(shape))])
    proto = net.proto(net.node("Add", [net.input, moved]))
    view = read_qdq(loaded(proto))
    assert ("Reshape" in {node.op_type for node in view.model.graph}) is (axis is None)
    if axis is not None:
        (params,) = view.params.values()
        assert params.axis == axis
    feeds = random_input(proto)
    (expected,), (found,) = run_graph(proto, feeds).values(), run_graph(view.model, feeds).values()
    np.testing.assert_array_equal(found, expected)


def test_a_constant_that_is_an_output() -> None:
    net = Quantised((1, 3))
    y = net.coded("w", np.array([1, 2, 3], np.int8), 0.5)
    x = net.node("Relu", [net.input])
    view = net.view(x, y)
    assert [value.name for value in view.model.graph.outputs] == [x, y]
    assert view.codes[y].tolist() == [1, 2, 3]


def test_a_pair_around_a_weight_that_disagrees() -> None:
    net = Quantised((1, 3, 4, 4))
    real = net.constant("conv.weight", np.ones((2, 3, 1, 1), np.float32))
    codes = net.node("QuantizeLinear", [real, *net.grid("a", 0.1, 0, np.int8)], name="q")
    weight = net.node("DequantizeLinear", [codes, *net.grid("b", 0.2, 0, np.int8)])
    with pytest.raises(GraphError, match=r"\(DequantizeLinear\): disagrees with 'q_node' on scale"):
        net.view(net.node("Conv", [net.input, weight], channels=2))
