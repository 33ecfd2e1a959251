"""Shapes computed from an open batch become constant where they say no more than the batch."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from sepia.graph.passes.open_batch import reshape_open_batch
from support.graphs import NetBuilder
from support.passes import loaded


def reshaped(rest: list[int], *, place: int = 0, times: int = 1) -> NetBuilder:
    """Reshape of [n, 2, 4, 4] to its batch (times a number) and `rest`, as paddle2onnx writes a flatten."""
    net = NetBuilder((1, 2, 4, 4))
    net.inputs[net.input] = ("n", 2, 4, 4)
    x = net.node("Relu", [net.input])
    batch = net.node(
        "Slice", [net.node("Shape", [x]), net.constant("a", np.array([0])), net.constant("b", np.array([1]))]
    )
    batch = net.node("Mul", [batch, net.constant("times", np.array([times]))])
    parts = [net.constant("rest", np.array(rest))]
    parts.insert(place, batch)
    net.node("Reshape", [x, net.node("Concat", parts, axis=0)], name="y")
    return net


def test_the_batch_and_the_rest() -> None:
    model = loaded(reshaped([-1]).proto("y"))
    reshape_open_batch(model)
    node = model.graph[-1]
    assert node.inputs[1].const_value.numpy().tolist() == [0, -1]
    assert [str(size) for size in model.graph.outputs[0].shape] == ["n", "32"]
    assert reshape_open_batch(model) is False


def test_a_batch_that_is_reshaped_is_left() -> None:
    for net in (reshaped([-1], times=2), reshaped([32], place=1)):
        assert reshape_open_batch(ir.from_proto(net.proto("y"))) is False
