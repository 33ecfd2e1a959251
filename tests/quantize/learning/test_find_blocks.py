"""Blocks from the structure of drawn graphs, and that an articulation value really is one."""

from __future__ import annotations

import itertools

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from sepia.graph.passes import canonicalize
from sepia.quantize.learning.find_blocks import Block, find_blocks
from sepia.quantize.placement import Placement, place
from support.graphs import NetBuilder, tiny_separable


def blocks_of(proto: onnx.ModelProto) -> tuple[ir.Model, Placement, tuple[Block, ...]]:
    model = canonicalize(ir.from_proto(proto))
    placement = place(model)
    return model, placement, find_blocks(model, placement)


def layers_of(proto: onnx.ModelProto) -> list[list[str]]:
    return [list(block.layers) for block in blocks_of(proto)[2]]


def inverted(net: NetBuilder, x: str, out: int, name: str, *, stride: int = 1, squeeze: bool = False) -> str:
    y = net.relu6(net.conv(x, net.channels[x] * 4, name=f"{name}.expand"))
    y = net.relu6(net.depthwise(y, stride=stride, name=f"{name}.dw"))
    if squeeze:
        wide = net.channels[y]
        gate = net.node("GlobalAveragePool", [y])
        gate = net.node("Relu", [net.conv(gate, 4, name=f"{name}.reduce")])
        gate = net.node("HardSigmoid", [net.conv(gate, wide, name=f"{name}.widen")])
        y = net.node("Mul", [y, gate], channels=wide)
    y = net.conv(y, out, name=f"{name}.project")
    return net.node("Add", [y, x], channels=out) if stride == 1 and out == net.channels[x] else y


def test_inverted_residuals_with_and_without_a_shortcut() -> None:
    net = NetBuilder((1, 3, 16, 16))
    x = net.relu6(net.conv(net.input, 8, kernel=3, stride=2, name="stem"))
    x = net.conv(net.relu6(net.depthwise(x, name="first.dw")), 4, name="first.project")
    x = inverted(net, x, 6, "a", stride=2)
    x = inverted(net, x, 6, "b")
    x = inverted(net, x, 6, "c")
    x = net.relu6(net.conv(x, 32, name="head"))
    x = net.node("Flatten", [net.node("GlobalAveragePool", [x])], axis=1)
    proto = net.proto(net.gemm(x, 5))
    parts = ("expand", "dw", "project")
    assert layers_of(proto) == [
        ["stem", "first.dw", "first.project"],
        *([f"{name}.{part}" for part in parts] for name in "abc"),
        ["head", "fc"],
    ]


def test_squeeze_and_excite_stays_inside_its_block() -> None:
    net = NetBuilder((1, 8, 8, 8))
    x = inverted(net, net.input, 8, "a", squeeze=True)
    x = inverted(net, x, 12, "b", squeeze=True)
    x = inverted(net, x, 12, "c")
    parts = ("expand", "dw", "reduce", "widen", "project")
    expected = [*([f"{name}.{part}" for part in parts] for name in "ab"), ["c.expand", "c.dw", "c.project"]]
    assert layers_of(net.proto(x)) == expected


def test_a_network_whose_width_only_grows() -> None:
    """MobileNet v1: depthwise and pointwise in turn. A depthwise layer stays with its pointwise one."""
    net = NetBuilder((1, 3, 16, 16))
    x = net.relu6(net.conv(net.input, 8, kernel=3, name="stem"))
    for number in range(5):
        x = net.relu6(net.depthwise(x, name=f"dw{number}"))
        x = net.relu6(net.conv(x, 8 + 8 * number, name=f"pw{number}"))
    found = layers_of(net.proto(x))
    assert found == [["stem", "dw0", "pw0", "dw1", "pw1"], ["dw2", "pw2", "dw3", "pw3", "dw4", "pw4"]]


def test_plain_residual_blocks_end_at_their_adds() -> None:
    net = NetBuilder((1, 8, 8, 8))
    x = net.input
    for number in range(3):
        y = net.node("Relu", [net.conv(x, 8, kernel=3, name=f"{number}.first")])
        y = net.conv(y, 8, kernel=3, name=f"{number}.second")
        x = net.node("Relu", [net.node("Add", [y, x], channels=8)])
    assert layers_of(net.proto(x)) == [[f"{number}.first", f"{number}.second"] for number in range(3)]


def test_several_inputs_and_outputs() -> None:
    net = NetBuilder((1, 4, 8, 8))
    net.inputs["other"], net.channels["other"] = (1, 4, 8, 8), 4
    left, right = net.conv(net.input, 4, name="left"), net.conv("other", 4, name="right")
    x = net.node("Add", [left, right], name="meet", channels=4)
    x = inverted(net, x, 4, "a")
    one, two = net.conv(x, 5, name="one"), net.conv(x, 6, name="two")
    _, _, blocks = blocks_of(net.proto(one, two))
    assert blocks[0].inputs == ("image", "other")
    assert blocks[0].outputs == ("meet",)
    assert blocks[-1].outputs == ("one", "two")
    assert set(blocks[-1].layers) == {"one", "two"}


@pytest.mark.parametrize("size", [(16,), (16, 16), (8, 8, 8)])
def test_blocks_of_a_network_hold_each_layer_once_and_follow_one_another(size: tuple[int, ...]) -> None:
    model, placement, blocks = blocks_of(tiny_separable(size))
    assert [name for block in blocks for name in block.layers] == [layer.name for layer in placement.layers]
    assert blocks[0].inputs == ("image",)
    assert blocks[-1].outputs == ("logits",)
    for one, after in itertools.pairwise(blocks):
        assert one.outputs == after.inputs
        assert _only_way(model, one.outputs[0])
    grids = {name for group in placement.groups for name in group.values}
    assert all(name in grids for block in blocks for name in (*block.values, *block.inputs))
    made = [name for block in blocks for name in block.values]
    assert sorted(made) == sorted(set(made))


def _only_way(model: ir.Model, name: str) -> bool:
    """No path leads from an input to an output without the value."""
    outputs = {value.name for value in model.graph.outputs}
    reached = {value.name for value in model.graph.inputs} - {name}
    for node in model.graph:
        if any(value is not None and value.name in reached for value in node.inputs):
            reached |= {value.name for value in node.outputs} - {name}
    return not reached & outputs


def test_a_network_without_layers_has_no_blocks() -> None:
    net = NetBuilder((1, 4, 8, 8))
    net.constant("c", np.ones((1, 4, 1, 1), np.float32))
    assert layers_of(net.proto(net.node("Add", [net.input, "c"], channels=4))) == []
