"""What changes nothing is taken out; what changes something stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from sepia.graph.passes.remove_identity import remove_identity
from support.graphs import NetBuilder
from support.passes import holds, ops

SHAPE = (1, 3, 4, 4)


def between(op: str, *constants: Any, **attributes: Any) -> NetBuilder:
    """Relu, the op on its output, Relu."""
    net = NetBuilder(SHAPE)
    x = net.node("Relu", [net.input])
    names = [net.constant(f"c{index}", np.asarray(array)) for index, array in enumerate(constants)]
    net.node("Relu", [net.node(op, [x, *names], name="middle", **attributes)], name="end")
    return net


IDLE = [
    ("Identity", [], {}),
    ("Dropout", [], {}),
    ("Dropout", [np.float32(0.3), np.array(False)], {}),
    ("Concat", [], {"axis": 1}),
    ("Sum", [], {}),
    ("Cast", [], {"to": TensorProto.FLOAT}),
    ("CastLike", [np.float32(2)], {}),
    ("Reshape", [np.array([1, 3, -1, 4])], {}),
    ("Expand", [np.array([1, 1, 4, 4])], {}),
    ("Transpose", [], {"perm": [0, 1, 2, 3]}),
    ("Pad", [np.zeros(8, np.int64)], {}),
    ("Clip", [], {}),
    ("Clip", [np.float32(-np.inf), np.float32(np.inf)], {}),
    ("Clip", [np.finfo(np.float32).min, np.finfo(np.float32).max], {}),
    ("Add", [np.float32(0)], {}),
    ("Sub", [np.zeros((1, 1), np.float32)], {}),
    ("Mul", [np.float32(1)], {}),
    ("Div", [np.float32(1)], {}),
    ("AveragePool", [], {"kernel_shape": [1, 1]}),
    ("MaxPool", [], {"kernel_shape": [1, 1], "strides": [1, 1]}),
]


@pytest.mark.parametrize(("op", "constants", "attributes"), IDLE, ids=[f"{row[0]}-{i}" for i, row in enumerate(IDLE)])
def test_idle(op: str, constants: list[Any], attributes: dict[str, Any]) -> None:
    model = holds(remove_identity, between(op, *constants, **attributes).proto("end"))
    assert ops(model) == ["Relu", "Relu"]


BUSY = [
    ("Reshape", [np.array([1, 3, 16])], {}),
    ("Expand", [np.array([2, 3, 4, 4])], {}),
    ("Transpose", [], {"perm": [0, 1, 3, 2]}),
    ("Transpose", [], {}),
    ("Pad", [np.array([0, 0, 1, 0, 0, 0, 0, 0])], {}),
    ("Clip", [np.float32(-1)], {}),
    ("Clip", [np.float32(-np.inf), np.float32(6)], {}),
    ("Add", [np.zeros((2, 1, 1, 1), np.float32)], {}),
    ("Add", [np.zeros((1, 1, 1, 1, 1), np.float32)], {}),
    ("Mul", [np.float32(1.5)], {}),
    ("AveragePool", [], {"kernel_shape": [1, 1], "strides": [2, 2]}),
    ("MaxPool", [], {"kernel_shape": [2, 2]}),
    ("Sigmoid", [], {}),
]


@pytest.mark.parametrize(("op", "constants", "attributes"), BUSY, ids=[f"{row[0]}-{i}" for i, row in enumerate(BUSY)])
def test_busy(op: str, constants: list[Any], attributes: dict[str, Any]) -> None:
    model = holds(remove_identity, between(op, *constants, **attributes).proto("end"), changes=False)
    assert ops(model) == ["Relu", op, "Relu"]


def test_a_dropout_whose_mask_is_read_stays() -> None:
    net = NetBuilder(SHAPE)
    net.nodes.append(helper.make_node("Dropout", [net.node("Relu", [net.input])], ["kept", "mask"]))
    mask = net.node("Cast", ["mask"], to=TensorProto.FLOAT)
    assert ops(holds(remove_identity, net.proto("kept", mask), changes=False)) == ["Relu", "Dropout", "Cast"]


def test_an_output_keeps_its_name() -> None:
    net = NetBuilder(SHAPE)
    x = net.node("Relu", [net.input], name="inner")
    net.node("Sigmoid", [x], name="other")
    model = holds(remove_identity, net.proto(net.node("Identity", [x], name="result"), "other"))
    assert ops(model) == ["Relu", "Sigmoid"]
    assert [value.name for value in model.graph.outputs] == ["result", "other"]


def test_two_outputs_of_one_value_stay_two() -> None:
    net = NetBuilder(SHAPE)
    x = net.node("Relu", [net.input], name="one")
    model = holds(remove_identity, net.proto(net.node("Identity", [x], name="two"), "one"), changes=False)
    assert ops(model) == ["Relu", "Identity"]


def test_input_straight_to_output_stays() -> None:
    net = NetBuilder(SHAPE)
    holds(remove_identity, net.proto(net.node("Identity", [net.input], name="out")), changes=False)


def test_a_chain_goes_in_one_run() -> None:
    net = NetBuilder(SHAPE)
    x = net.input
    for _ in range(4):
        x = net.node("Identity", [x])
    assert ops(holds(remove_identity, net.proto(net.node("Relu", [x])))) == ["Relu"]
