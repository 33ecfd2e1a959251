"""Where pairs go: which activations are dropped, what shares a grid, what stays in float."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper
from sepia.graph.load import load_graph
from sepia.graph.passes import canonicalize
from sepia.quantize.placement import Placement, place
from support.graphs import NetBuilder, tiny_separable

_IMAGE = (1, 8, 10, 10)


def placed(net: NetBuilder | onnx.ModelProto, folder: Path, *outputs: str) -> Placement:
    proto = net if isinstance(net, onnx.ModelProto) else net.proto(*(outputs or (net.nodes[-1].output[0],)))
    path = folder / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    return place(canonicalize(load_graph(path)))


def groups(placement: Placement) -> set[frozenset[str]]:
    return {frozenset(group.values) for group in placement.groups}


def test_a_separable_network_is_int8_from_end_to_end(tmp_path: Path) -> None:
    placement = placed(tiny_separable(), tmp_path)
    assert placement.left_float == ()
    # stem, block1.dw, block2.expand, block2.dw, block3.expand, block3.dw, head
    assert len(placement.dropped) == 7
    names = [layer.name for layer in placement.layers]
    assert names[:3] == ["stem", "block1.dw", "block1.pw"]
    assert len(names) == 10
    assert set(placement.dropped.values()) < set(names)


def test_a_tensor_that_several_nodes_read_is_one_value_of_one_group(tmp_path: Path) -> None:
    placement = placed(tiny_separable(), tmp_path)
    values = [name for group in placement.groups for name in group.values]
    assert len(values) == len(set(values))


def test_an_activation_stays_where_something_else_reads_what_is_before_it(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    x = net.conv(net.input, 8, name="x")
    net.node("Add", [x, net.node("Relu", [x], name="y")], name="z")
    placement = placed(net, tmp_path)
    assert placement.dropped == {}
    assert {frozenset({"x"}), frozenset({"y"}), frozenset({"z"})} < groups(placement)


def test_an_activation_stays_where_what_is_before_it_is_an_output(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    x = net.conv(net.input, 8, name="x")
    net.node("Relu", [x], name="y")
    assert placed(net, tmp_path, "x", "y").dropped == {}


def test_two_activations_in_a_row_are_both_dropped(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    x = net.relu6(net.node("Relu", [net.conv(net.input, 8, name="x")]))
    placement = placed(net, tmp_path)
    assert len(placement.dropped) == 2
    (group,) = (group for group in placement.groups if x in group.values)
    assert group.bounds[x] == (0.0, 6.0)
    assert placement.layers[0].output == x


@pytest.mark.parametrize(("second", "dropped"), [("Relu", 2), ("Sigmoid", 1), ("Identity", 0)])
def test_an_activation_is_dropped_only_if_its_group_stays_inside_its_bounds(
    second: str, dropped: int, tmp_path: Path
) -> None:
    net = NetBuilder(_IMAGE)
    x = net.node("Relu", [net.conv(net.input, 8, name="a")])
    y = net.node(second, [net.conv(net.input, 8, name="b")])
    net.node("Concat", [x, y], name="z", axis=1)
    assert len(placed(net, tmp_path).dropped) == dropped


def test_a_pad_of_less_than_zero_keeps_the_relu_before_it(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    x = net.node("Relu", [net.conv(net.input, 8)], name="x")
    margins = net.constant("margins", np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    net.node("Pad", [x, margins, net.constant("value", np.array(-2.0, np.float32))], name="y")
    placement = placed(net, tmp_path)
    assert placement.dropped == {}
    (group,) = (group for group in placement.groups if "y" in group.values)
    assert group.constants == (-2.0,)
    assert group.sources == ("x",)


def test_concat_shares_one_grid_with_all_it_joins_through_ops_that_move_values(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    x = net.conv(net.input, 8, name="x")
    pooled = net.node("MaxPool", [x], name="pooled", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    net.node("Concat", [pooled, net.conv(net.input, 4, name="w")], name="y", axis=1)
    placement = placed(net, tmp_path)
    assert frozenset({"x", "pooled", "w", "y"}) in groups(placement)
    (group,) = (group for group in placement.groups if "y" in group.values)
    assert set(group.sources) == {"x", "w"}
    assert set(placement.watched()) == {"image", "x", "w"}


def test_a_fixed_grid_is_brought_to_that_of_concat_by_a_pair_of_its_own(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    gate = net.node("Sigmoid", [net.conv(net.input, 4, name="x")], name="gate")
    net.node("Concat", [net.conv(net.input, 4, name="w"), gate], name="y", axis=1)
    placement = placed(net, tmp_path)
    ((node, index), target), *rest = placement.apart.items()
    assert (index, target, rest) == (1, "y", [])
    assert frozenset({"gate"}) in groups(placement)
    assert frozenset({"w", "y"}) in groups(placement)
    assert node


def test_alike_fixed_grids_join(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    gates = [net.node("Sigmoid", [net.conv(net.input, 4)]) for _ in range(2)]
    net.node("Concat", gates, name="y", axis=1)
    placement = placed(net, tmp_path)
    assert placement.apart == {}
    (group,) = (group for group in placement.groups if "y" in group.values)
    assert group.fixed == (1 / 256, 0)


def test_ops_between_float_neighbours_stay_in_float(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    x = net.node("Tanh", [net.conv(net.input, 8, name="x")])
    ends = [net.constant(name, np.array([value])) for name, value in (("from", 0), ("to", 4), ("axis", 3))]
    x = net.node("Slice", [x, *ends], name="moved")
    x = net.node("Tanh", [x], name="t")
    net.conv(x, 4, name="last")
    placement = placed(net, tmp_path)
    assert [(row.op, "float" in row.reason) for row in placement.left_float] == [
        ("Tanh", False), ("Slice", True), ("Tanh", False),
    ]  # fmt: skip
    assert frozenset({"t"}) in groups(placement)
    assert not any("moved" in group for group in groups(placement))


def test_ops_that_move_values_into_an_int8_layer_are_int8(tmp_path: Path) -> None:
    net = NetBuilder((1, 10, 10, 8), input_name="channels_last")
    x = net.node("Transpose", [net.input], name="x", perm=[0, 3, 1, 2], channels=8)
    net.conv(x, 4)
    placement = placed(net, tmp_path)
    assert frozenset({"channels_last", "x"}) in groups(placement)
    assert placement.watched()[0] == "channels_last"


def test_a_chain_of_moves_after_an_int8_layer_is_int8(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    x = net.conv(net.input, 8, name="x")
    a = net.node("Transpose", [x], name="a", perm=[0, 2, 3, 1])
    net.node("Reshape", [a, net.constant("shape", np.array([1, -1]))], name="b")
    assert frozenset({"x", "a", "b"}) in groups(placed(net, tmp_path))


def test_the_model_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(tiny_separable().SerializeToString())
    model = canonicalize(load_graph(path))
    before = ir.to_proto(model).SerializeToString(deterministic=True)
    place(model)
    assert ir.to_proto(model).SerializeToString(deterministic=True) == before


def test_whole_numbers_are_not_reported_as_float(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    x = net.conv(net.input, 8)
    proto = net.proto(x)
    proto.graph.node.append(helper.make_node("ArgMax", [x], ["best"], axis=1, name="best"))
    proto.graph.output.append(helper.make_tensor_value_info("best", TensorProto.INT64, None))
    assert placed(proto, tmp_path).left_float == ()
