"""Flatten, Squeeze and Unsqueeze become Reshape to a written-out shape."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.graph.passes.to_reshape import to_reshape
from support.graphs import NetBuilder
from support.passes import holds, ops


@pytest.mark.parametrize(
    ("op", "constant", "rest", "shape"),
    [
        ("Flatten", None, {"axis": 1}, [2, 12]),
        ("Flatten", None, {"axis": -1}, [24, 1]),
        ("Squeeze", [2, 3], {}, [2, 12]),
        ("Unsqueeze", [0, 5], {}, [1, 2, 12, 1, 1, 1]),
        ("Reshape", [0, -1], {}, [2, 12]),
        ("Reshape", [2, 3, -1], {}, [2, 3, 4]),
    ],
)
def test_each(op: str, constant: list[int] | None, rest: dict[str, int], shape: list[int]) -> None:
    net = NetBuilder((2, 12, 1, 1))
    names = [] if constant is None else [net.constant("c", np.array(constant))]
    model = holds(to_reshape, net.proto(net.node(op, [net.input, *names], **rest)))
    assert ops(model) == ["Reshape"]
    assert model.graph[0].inputs[1].const_value.numpy().tolist() == shape


def test_a_dynamic_batch_is_minus_one() -> None:
    net = NetBuilder((1, 12, 1, 1))
    net.inputs[net.input] = ("n", 12, 1, 1)
    model = holds(to_reshape, net.proto(net.node("Flatten", [net.node("Relu", [net.input])])))
    assert model.graph[1].inputs[1].const_value.numpy().tolist() == [-1, 12]


def test_a_chain_is_one() -> None:
    net = NetBuilder((2, 12, 1, 1))
    x = net.node("Reshape", [net.input, net.constant("a", np.array([24]))])
    x = net.node("Reshape", [x, net.constant("b", np.array([4, 6]))])
    model = holds(to_reshape, net.proto(net.node("Reshape", [x, net.constant("c", np.array([3, 8]))])))
    assert ops(model) == ["Reshape"]


def test_written_out_already() -> None:
    net = NetBuilder((2, 12, 1, 1))
    holds(to_reshape, net.proto(net.node("Reshape", [net.input, net.constant("c", np.array([2, 12]))])), changes=False)
