"""Names, merging, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from sepia.errors import GraphError
from sepia.graph.qdq import code_bytes, data_inputs, read_qdq
from support.graphs import NetBuilder
from support.pairs import Quantised
from support.passes import loaded, ops


def test_an_input_is_held_and_an_output_keeps_its_name() -> None:
    net = Quantised((1, 3, 4, 4))
    x = net.pair(net.node("Relu", [net.pair(net.input)], name="inner"))
    view = net.view(x)
    (relu,) = view.model.graph
    assert [value.name for value in (*relu.inputs, *relu.outputs)] == [net.input, x]
    assert set(view.params) == {net.input, x}
    assert view.runs_in_int8(relu)


def test_a_value_that_is_also_needed_in_float_gets_a_step_of_its_own() -> None:
    net = Quantised((1, 3, 4, 4))
    x = net.node("Sigmoid", [net.input], name="x")
    held = net.pair(x)
    view = net.view(net.node("Add", [x, held], name="y"))
    assert ops(view.model) == ["Sigmoid", "QuantizeLinear", "Add"]
    (quantize,) = (node for node in view.model.graph if node.op_type == "QuantizeLinear")
    assert [value.name for value in (*quantize.inputs, *quantize.outputs)] == ["x", held]
    assert set(view.params) == {held}
    assert not view.runs_in_int8(quantize)


def test_another_grid_behind_a_grid_is_a_step_of_its_own() -> None:
    net = Quantised((1, 3, 4, 4))
    x = net.pair(net.node("Sigmoid", [net.input], name="x"), 1 / 256, 0)
    view = net.view(net.pair(x, 1 / 128, 0))
    assert ops(view.model) == ["Sigmoid", "QuantizeLinear"]
    assert view.params["x"].scale[0] == np.float32(1 / 256)
    assert view.runs_in_int8(view.model.graph[1])


def test_int8_behind_the_same_uint8_is_no_step() -> None:
    net = Quantised((1, 3, 4, 4))
    x = net.pair(net.node("Sigmoid", [net.input], name="x"), 1 / 256, 0)
    view = net.view(net.node("Relu", [net.pair(x, 1 / 256, -128, np.int8)]))
    assert ops(view.model) == ["Sigmoid", "Relu"]


def test_both_sides_of_a_pair_as_outputs() -> None:
    net = Quantised((1, 3, 4, 4))
    x = net.node("Sigmoid", [net.input], name="x")
    y = net.pair(x)
    view = net.view("x", y)
    assert [value.name for value in view.model.graph.outputs] == ["x", y]
    assert set(view.params) == {y}
    assert ops(view.model) == ["Sigmoid", "QuantizeLinear"]


@pytest.mark.parametrize(
    ("op", "bounds", "scale", "zero", "kept"),
    [
        ("Relu", [], 0.02, 0, False),
        ("Relu", [], 0.02, 5, True),
        ("Clip", [0, 6], 6 / 255, 0, False),
        ("Clip", [0, 6], 5 / 255, 0, False),
        ("Clip", [0, 6], 6.01 / 255, 0, False),
        ("Clip", [0, 6], 6.2 / 255, 0, True),
        ("Clip", [-1, 1], 2 / 256, 128, False),
        ("Clip", [-1, 1], 3 / 255, 128, True),
    ],
)
def test_clips_that_the_grid_does(op: str, bounds: list[float], scale: float, zero: int, kept: bool) -> None:
    net = Quantised((1, 3, 4, 4))
    names = [net.constant(f"bound{index}", np.float32(bound)) for index, bound in enumerate(bounds)]
    x = net.node(op, [net.conv(net.input, 4, name="conv"), *names], name="clipped")
    view = net.view(net.node("Sigmoid", [net.pair(x, scale, zero)]))
    assert ops(view.model) == (["Conv", op, "Sigmoid"] if kept else ["Conv", "Sigmoid"])
    assert set(view.params) == {"clipped"}


def test_a_clip_whose_input_others_read_stays() -> None:
    net = Quantised((1, 3, 4, 4))
    x = net.conv(net.input, 4, name="conv")
    held = net.pair(net.node("Relu", [x]), 0.02, 0)
    assert ops(net.view(net.node("Add", [x, held])).model) == ["Conv", "Relu", "Add"]


def test_biases_behind_a_clip_that_stays_are_codes_too() -> None:
    net = Quantised((1, 3, 4, 4))
    weight = net.coded("conv.weight", np.ones((2, 3, 1, 1), np.int8), 0.01)
    bias = net.constant("conv.bias", np.array([1, 2], np.float32))
    x = net.node("Conv", [net.pair(net.input), weight, bias], channels=2)
    view = net.view(net.pair(net.node("Relu", [x]), 0.02, 7))
    assert ops(view.model) == ["Conv", "Relu"]
    assert view.params["conv.bias"].dtype == "int32"


def moved(op: str, *constants: Any, **rest: Any) -> Quantised:
    net = Quantised((1, 4, 6, 6))
    held = net.pair(net.node("Sigmoid", [net.input], name="x"), 0.01, 3)
    names = [net.constant(f"c{index}", np.asarray(array)) for index, array in enumerate(constants)]
    net.node(op, [held, *names], name="y", **rest)
    return net


MOVES = [
    ("Reshape", [np.array([1, -1])], {}),
    ("Transpose", [], {"perm": [0, 2, 3, 1]}),
    ("MaxPool", [], {"kernel_shape": [2, 2]}),
    ("Slice", [np.array([0]), np.array([2]), np.array([1])], {}),
    ("Pad", [np.array([0, 0, 1, 1, 0, 0, 1, 1])], {}),
    ("DepthToSpace", [], {"blocksize": 2}),
]


@pytest.mark.parametrize(("op", "constants", "rest"), MOVES, ids=[row[0] for row in MOVES])
def test_moves_hand_their_grid_on(op: str, constants: list[Any], rest: dict[str, Any]) -> None:
    view = moved(op, *constants, **rest).view("y")
    assert ops(view.model) == ["Sigmoid", op]
    assert view.params["y"] is view.params["x"]
    assert view.runs_in_int8(view.model.graph[1])


@pytest.mark.parametrize(("op", "constants", "rest"), MOVES, ids=[row[0] for row in MOVES])
def test_moves_onto_another_grid_are_two_steps(op: str, constants: list[Any], rest: dict[str, Any]) -> None:
    net = moved(op, *constants, **rest)
    view = net.view(net.pair("y", 0.02, 9))
    assert ops(view.model) == ["Sigmoid", "QuantizeLinear", op]
    last = view.model.graph[2]
    assert view.params[last.inputs[0].name].scale == view.params[last.outputs[0].name].scale == np.float32(0.02)


def test_a_join_reads_and_writes_one_grid() -> None:
    net = Quantised((1, 4, 6, 6))
    a = net.pair(net.node("Sigmoid", [net.input], name="a"), 0.01, 0)
    b = net.pair(net.node("Tanh", [net.input], name="b"), 0.02, 128)
    c = net.node("Softplus", [net.input], name="c")
    view = net.view(net.pair(net.node("Concat", [a, b, c], axis=1, name="joined"), 0.02, 128))
    (join,) = (node for node in view.model.graph if node.op_type == "Concat")
    assert ops(view.model).count("QuantizeLinear") == 1
    grids = {(float(view.params[v.name].scale[0]), int(view.params[v.name].zero_point[0])) for v in join.inputs}
    assert grids == {(float(np.float32(0.02)), 128)}


def test_average_and_resize_that_compute_do_not_hand_on() -> None:
    view = moved("AveragePool", kernel_shape=[2, 2]).view("y")
    assert "y" not in view.params
    net = Quantised((1, 4, 6, 6))
    held = net.pair(net.node("Sigmoid", [net.input], name="x"))
    y = net.node("Resize", [held, "", net.constant("s", np.float32([1, 1, 2, 2]))], mode="linear", name="y")
    assert "y" not in net.view(y).params


REFUSED = [
    ("integer op", r"'reshape_\d+_node' \(Reshape\): works on integer codes"),
    ("codes out", r"output 'q': works on integer codes"),
    ("codes in", r"\(DequantizeLinear\): reads codes that no QuantizeLinear made"),
    ("disagree", r"\(DequantizeLinear\): disagrees with 'q_node' on scale or zero point"),
    ("dynamic", r"its scale is computed while the network runs; accepted: static quantisation"),
    ("int16", r"has int16 codes; accepted: int8 or uint8 codes, int32 for biases"),
    ("zero scale", r"its scale is not finite and positive"),
    ("blocks", r"quantises in blocks; accepted: per tensor or per channel"),
]


@pytest.mark.parametrize(("case", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_not_qdq(case: str, message: str) -> None:
    with pytest.raises(GraphError, match=message) as caught:
        read_qdq(loaded(refused(case)))
    assert "\n" not in str(caught.value)


def refused(case: str) -> onnx.ModelProto:
    net = Quantised((1, 4, 8, 8))
    dtype = np.int16 if case == "int16" else np.uint8
    shape = (1, 2, 8, 8) if case == "blocks" else ()
    scale = np.zeros(shape) if case == "zero scale" else np.full(shape, 0.1)
    grid = net.grid("g", scale, 3, dtype)
    if case == "dynamic":
        grid[0] = net.node("ReduceMax", [net.node("Abs", [net.input])], keepdims=0)
    blocks = {"block_size": 2, "axis": 1} if case == "blocks" else {}
    if case == "codes in":
        return _codes_in()
    codes = net.node("QuantizeLinear", [net.input, *grid], name="q", **blocks)
    opset = 21 if case in ("int16", "blocks") else 20
    if case == "integer op":
        codes = net.node("Reshape", [codes, net.constant("flat", np.array([1, -1]))])
    back = net.grid("h", 0.2, 3) if case == "disagree" else grid
    proto = net.proto(net.node("DequantizeLinear", [codes, *back], **blocks), opset=opset)
    if case == "codes out":
        proto.graph.output.append(helper.make_tensor_value_info("q", TensorProto.UINT8, [1, 4, 8, 8]))
    return proto


def _codes_in() -> onnx.ModelProto:
    net = NetBuilder((1, 3))
    proto = net.proto(net.node("Relu", [net.input], name="y"))
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    scale = net.constant("s", np.float32(0.1))
    proto.graph.initializer.append(net.initializers[-1])
    proto.graph.node.insert(0, helper.make_node("DequantizeLinear", [net.input, scale], ["x"], name="dq"))
    proto.graph.node[1].input[0] = "x"
    return proto


def test_bytes_of_codes() -> None:
    net = Quantised((1, 3, 4, 4))
    weight = net.coded("conv.weight", np.ones((2, 3, 1, 1), np.int8), 0.01)
    bias = net.constant("conv.bias", np.array([1, 2], np.float32))
    x = net.pair(net.node("Conv", [net.pair(net.input), weight, bias], channels=2, name="x"))
    view = net.view(net.node("Tanh", [x], name="y"))
    size = code_bytes(view)
    conv, tanh = view.model.graph
    assert [size(value) for value in (*conv.inputs, *tanh.inputs, *tanh.outputs)] == [1, 1, 4, 1, 4]


def test_bounds_and_shapes_are_no_data() -> None:
    net = NetBuilder((1, 3, 4, 4))
    x = net.relu6(net.input)
    model = loaded(net.proto(net.node("Reshape", [x, net.constant("shape", np.array([1, -1]))])))
    assert [[value.name for value in data_inputs(node)] for node in model.graph] == [[net.input], [x]]


def test_names_in_a_file_as_this_house_writes_it() -> None:
    net = Quantised((1, 3, 4, 4))
    grid = net.grid("image", 0.05, 128)
    codes = net.node("QuantizeLinear", [net.input, *grid], name="image_quantized")
    held = net.node("DequantizeLinear", [codes, *grid], name="image_dequantized")
    weight = net.coded("stem.weight", np.ones((2, 3, 1, 1), np.int8), 0.01)
    bias = net.coded("stem.bias", np.array([5, 6], np.int32), np.float32(0.05) * np.float32(0.01))
    view = net.view(net.pair(net.node("Conv", [held, weight, bias], name="stem", channels=2)))
    (conv,) = view.model.graph
    assert [value.name for value in conv.inputs] == ["image", "stem.weight", "stem.bias"]
    assert conv.name == "stem"
