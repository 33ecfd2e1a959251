"""Means and maxima over all positions are global pools."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sepia.graph.passes.global_pool import reduce_to_global_pool
from support.graphs import NetBuilder
from support.passes import holds, ops

TOLERANCE = 1e-6


@pytest.mark.parametrize("size", [(7,), (5, 6), (3, 4, 5)], ids=["1-D", "2-D", "3-D"])
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize("op", ["ReduceMean", "ReduceMax"])
def test_reductions(size: tuple[int, ...], keep: int, op: str) -> None:
    net = NetBuilder((2, 3, *size))
    axes = net.constant("axes", np.array([-1, *range(2, len(size) + 1)]))
    model = holds(reduce_to_global_pool, net.proto(net.node(op, [net.input, axes], keepdims=keep)), tolerance=TOLERANCE)
    pool = "GlobalAveragePool" if op == "ReduceMean" else "GlobalMaxPool"
    assert ops(model) == ([pool] if keep else [pool, "Reshape"])


@pytest.mark.parametrize("op", ["AveragePool", "MaxPool"])
def test_one_window(op: str) -> None:
    net = NetBuilder((1, 3, 5, 6))
    y = net.node(op, [net.input], kernel_shape=[5, 6])
    model = holds(reduce_to_global_pool, net.proto(y), tolerance=TOLERANCE)
    assert ops(model) == [f"Global{op}"]


def test_dynamic_batch() -> None:
    net = NetBuilder((1, 3, 5, 6))
    net.inputs[net.input] = ("n", 3, 5, 6)
    y = net.node("ReduceMean", [net.input, net.constant("axes", np.array([2, 3]))], keepdims=0)
    model = holds(reduce_to_global_pool, net.proto(y), tolerance=TOLERANCE)
    assert model.graph[1].inputs[1].const_value.numpy().tolist() == [-1, 3]


@pytest.mark.parametrize(
    ("op", "axes", "rest"),
    [
        ("ReduceMean", [2], {}),
        ("ReduceMean", [1, 2, 3], {}),
        ("ReduceMean", None, {}),
        ("AveragePool", None, {"kernel_shape": [5, 5]}),
        ("AveragePool", None, {"kernel_shape": [5, 6], "pads": [1, 1, 1, 1]}),
        ("ReduceSum", [2, 3], {}),
    ],
)
def test_what_is_not_global(op: str, axes: list[int] | None, rest: dict[str, Any]) -> None:
    net = NetBuilder((1, 3, 5, 6))
    names = [] if axes is None else [net.constant("axes", np.array(axes))]
    assert ops(holds(reduce_to_global_pool, net.proto(net.node(op, [net.input, *names], **rest)), changes=False)) == [
        op
    ]
