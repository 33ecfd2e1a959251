"""Factors and sums a channel go into the layer before them."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.graph.passes.fold_affine import fold_affine
from support.graphs import NetBuilder
from support.passes import holds, ops

TOLERANCE = 1e-5


def numbers(net: NetBuilder, shape: tuple[int, ...]) -> str:
    return net.constant(f"n{len(net.initializers)}", net.rng.uniform(0.5, 2, shape).astype(np.float32))


@pytest.mark.parametrize("shape", [(), (6, 1, 1), (1, 6, 1, 1), (1, 1, 1, 1)])
@pytest.mark.parametrize(
    ("op", "first"), [("Mul", 1), ("Mul", 0), ("Add", 1), ("Add", 0), ("Sub", 1), ("Sub", 0), ("Div", 1)]
)
@pytest.mark.parametrize("bias", [True, False])
def test_into_a_convolution(op: str, first: int, shape: tuple[int, ...], bias: bool) -> None:
    net = NetBuilder((1, 4, 5, 6))
    x, n = net.conv(net.input, 6, kernel=3, bias=bias), numbers(net, shape)
    proto = net.proto(net.node(op, [x, n] if first else [n, x]))
    assert ops(holds(fold_affine, proto, tolerance=TOLERANCE)) == ["Conv"]


def test_a_normalisation_written_out() -> None:
    net = NetBuilder((1, 4, 5, 6))
    x = net.depthwise(net.input)
    for op in ("Sub", "Mul", "Add"):
        x = net.node(op, [x, numbers(net, (4, 1, 1))])
    assert ops(holds(fold_affine, net.proto(net.node("Relu", [x])), tolerance=TOLERANCE)) == ["Conv", "Relu"]


@pytest.mark.parametrize("group", [1, 2, 4])
def test_into_a_transposed_convolution(group: int) -> None:
    net = NetBuilder((1, 4, 5, 6))
    weight = net.constant("w", net.rng.normal(size=(4, 3, 2, 2)).astype(np.float32))
    x = net.node("ConvTranspose", [net.input, weight], group=group, kernel_shape=[2, 2])
    proto = net.proto(net.node("Mul", [x, numbers(net, (3 * group, 1, 1))]))
    assert ops(holds(fold_affine, proto, tolerance=TOLERANCE)) == ["ConvTranspose"]


@pytest.mark.parametrize(
    ("op", "first", "shape"), [("Div", 0, (6, 1, 1)), ("Mul", 1, (6, 5, 1)), ("Add", 1, (6,)), ("Add", 1, (3, 6, 1, 1))]
)
def test_what_is_no_affine_map_by_channel_stays(op: str, first: int, shape: tuple[int, ...]) -> None:
    net = NetBuilder((1, 4, 5, 6))
    x, n = net.conv(net.input, 6, kernel=3), numbers(net, shape)
    proto = net.proto(net.node(op, [x, n] if first else [n, x]))
    assert ops(holds(fold_affine, proto, changes=False)) == ["Conv", op]


def test_what_others_read_stays() -> None:
    net = NetBuilder((1, 4, 5, 6))
    x = net.conv(net.input, 6, kernel=3)
    outputs = [net.node("Mul", [x, numbers(net, (6, 1, 1))]), net.node("Relu", [x])]
    assert ops(holds(fold_affine, net.proto(*outputs), changes=False)) == ["Conv", "Mul", "Relu"]
