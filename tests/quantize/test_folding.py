"""A batch normalisation that is left, and channels that folding blew up, are told and crash nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import numpy_helper
from sepia.graph.kinds import Kind
from sepia.quantize.folding import exploded_channels, folding_notes
from sepia.quantize.layer import Layer
from support.graphs import NetBuilder, tiny_separable
from support.quantising import quantised


def layer_of(*sizes: float) -> Layer:
    weight = np.array(sizes, np.float32)[:, None] * np.array([[0.5, -1.0, 0.2]], np.float32)
    return Layer("dw", Kind.DEPTHWISE, "x", "y", weight, np.zeros(len(sizes), np.float32))


def test_a_channel_far_above_the_median_is_named_with_its_factor() -> None:
    layer = layer_of(1.0, 1.0, 500.0, 1.0, 150.0, 0.0, 1e-9)
    assert exploded_channels(layer) == {2: 500.0, 4: 150.0}
    (note,) = folding_notes([layer_of(1, 2, 3), layer])
    assert note.startswith("'dw': the weights of channel 2 and 1 more are 500 times the others' size")
    assert folding_notes([layer_of(1.0, 99.0, 1.0), layer_of(0.0, 0.0), layer_of(1.0, 1e6)]) == ()


def test_a_variance_of_next_to_nothing_is_told_in_the_summary(tmp_path: Path) -> None:
    net = NetBuilder((1, 3, 8, 8))
    x = net.relu6(net.batch_norm(net.conv(net.input, 8, name="first")))
    net.conv(x, 4, name="last")
    for index, tensor in enumerate(net.initializers):
        if tensor.name == "bn.var":
            variance = numpy_helper.to_array(tensor).copy()
            variance[3] = 0.0
            net.initializers[index] = numpy_helper.from_array(variance, tensor.name)
    net.nodes[1].attribute[0].f = 1e-7
    found = quantised(net, tmp_path, "last").summary
    (note,) = found.notes
    assert "'first'" in note and "channel 3 " in note
    assert note in found.to_text()
    assert found.to_json()["notes"] == (note,)


def test_a_plain_network_has_no_notes(tmp_path: Path) -> None:
    assert quantised(tiny_separable(), tmp_path).summary.notes == ()


def test_one_that_cannot_be_folded_stays_in_float_with_the_reason(tmp_path: Path) -> None:
    net = NetBuilder((1, 3, 8, 8))
    net.inputs["mean"] = (4,)
    x = net.batch_norm(net.conv(net.input, 4, name="first"))
    net.nodes[-1].input[3] = "mean"
    net.conv(net.node("Relu", [x]), 4, name="last")
    (row,) = quantised(net, tmp_path, "last").summary.left_float
    assert row.op == "BatchNormalization"
    assert "was not folded" in row.reason
