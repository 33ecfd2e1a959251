"""Which two layers make a separable convolution, whatever stands between them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sepia.graph.load import load_graph
from sepia.graph.pairs import layer_pairs
from sepia.graph.passes import canonicalize
from support.graphs import NetBuilder, tiny_separable


def pairs(net: NetBuilder, output: str, folder: Path) -> list[tuple[str, str, str]]:
    net.save(folder / "net.onnx", output)
    return [(str(pair.kind), pair.first, pair.second) for pair in layer_pairs(load_graph(folder / "net.onnx"))]


def test_a_network_of_blocks(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(tiny_separable().SerializeToString())
    found = layer_pairs(canonicalize(load_graph(path)))
    # Neither a layer before an expansion nor one over a residual sum counts.
    assert [(pair.first, pair.second) for pair in found] == [
        ("block1.dw", "block1.pw"),
        ("block2.dw", "block2.project"),
        ("block3.dw", "head"),
    ]
    assert {str(pair.kind) for pair in found} == {"depthwise + pointwise"}


@pytest.mark.parametrize("between", ["Relu", "HardSwish", "Sigmoid", "batch_norm", "Identity", "swish", "constant"])
def test_value_by_value_or_channel_by_channel_it_stays_a_pair(between: str, tmp_path: Path) -> None:
    net = NetBuilder((1, 4, 8, 8))
    x = net.depthwise(net.input, name="dw")
    if between == "batch_norm":
        x = net.batch_norm(x)
    elif between == "swish":
        x = net.node("Mul", [net.node("Sigmoid", [x]), x])
    elif between == "constant":
        x = net.node("Add", [net.constant("shift", np.ones((1, 4, 1, 1), np.float32)), x], channels=4)
    else:
        x = net.node(between, [x])
    assert pairs(net, net.conv(x, 6, name="pw"), tmp_path) == [("depthwise + pointwise", "dw_node", "pw_node")]


def test_squeeze_excite_between_them(tmp_path: Path) -> None:
    net = NetBuilder((1, 8, 8, 8))
    x = net.node("HardSwish", [net.depthwise(net.input, name="dw")])
    gate = net.node("Relu", [net.conv(net.node("GlobalAveragePool", [x]), 2, name="squeeze")])
    gate = net.node("HardSigmoid", [net.conv(gate, 8, name="excite")])
    x = net.node("Mul", [x, gate], channels=8)
    assert pairs(net, net.conv(x, 6, name="pw"), tmp_path) == [("depthwise + pointwise", "dw_node", "pw_node")]


@pytest.mark.parametrize("between", ["MaxPool", "residual", "Softmax", "product"])
def test_what_mixes_values_or_adds_others_parts_them(between: str, tmp_path: Path) -> None:
    net = NetBuilder((1, 4, 8, 8))
    x = net.depthwise(net.input, name="dw")
    if between == "residual":
        x = net.node("Add", [x, net.input], channels=4)
    elif between == "product":
        x = net.node("Mul", [x, net.depthwise(net.input, name="other")], channels=4)
    elif between == "MaxPool":
        x = net.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    else:
        x = net.node("Softmax", [x], axis=1)
    assert pairs(net, net.conv(x, 6, name="pw"), tmp_path) == []


@pytest.mark.parametrize(
    ("size", "first", "second", "paired"),
    [
        ((8, 8), (3, 1), (1, 3), True),
        ((8, 8), (1, 5), (3, 1), True),
        ((8, 8), (3, 1), (3, 1), False),
        ((4, 8, 8), (1, 3, 3), (3, 1, 1), True),
        ((4, 8, 8), (1, 3, 3), (1, 1, 3), False),
    ],
)
@pytest.mark.parametrize("depthwise", [False, True])
def test_spatial_pairs_look_along_other_directions(
    size: tuple[int, ...],
    first: tuple[int, ...],
    second: tuple[int, ...],
    paired: bool,
    depthwise: bool,
    tmp_path: Path,
) -> None:
    net = NetBuilder((1, 4, *size))
    group = 4 if depthwise else 1
    x = net.node("Relu", [net.conv(net.input, 4, kernel=first, group=group, name="a", pad=0)])
    x = net.conv(x, 4, kernel=second, group=group, name="b", pad=0)
    found = pairs(net, x, tmp_path)
    assert found == ([("spatially separable", "a_node", "b_node")] if paired else [])
