"""Costs against plain loops and published counts."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.graph.cost import graph_cost, separable_share
from sepia.graph.kinds import Kind
from sepia.graph.qdq import code_bytes
from support.graphs import NetBuilder, tiny_separable
from support.pairs import Quantised
from support.passes import loaded


def counted_macs(size: list[int], kernel: int, stride: int, pad: int, channels: int, out: int, group: int) -> int:
    """One by one: every output element meets every weight of its filter."""
    lengths = [(length + 2 * pad - kernel) // stride + 1 for length in size]
    count = 0
    for _ in product(range(out), *map(range, lengths)):
        count += channels // group * kernel ** len(size)
    return count


@settings(max_examples=40, deadline=None)
@given(
    size=st.lists(st.integers(3, 6), min_size=1, max_size=3),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 2),
    pad=st.integers(0, 1),
    group=st.integers(1, 3),
    per_group=st.integers(1, 2),
    multiplier=st.integers(1, 2),
    bias=st.booleans(),
)
def test_convolutions(
    size: list[int], kernel: int, stride: int, pad: int, group: int, per_group: int, multiplier: int, bias: bool
) -> None:
    channels, out = group * per_group, group * multiplier
    net = NetBuilder((1, channels, *size))
    y = net.conv(net.input, out, kernel=kernel, stride=stride, pad=pad, group=group, bias=bias, name="conv")
    model = loaded(net.proto(y))
    (cost,) = graph_cost(model)
    assert cost.macs == counted_macs(size, kernel, stride, pad, channels, out, group)
    assert cost.params == out * per_group * kernel ** len(size) + bias * out
    elements = channels * int(np.prod(size)) + cost.params + int(np.prod(cost.output_shape))
    assert cost.bytes_moved == 4 * elements
    assert cost.live_activation_bytes == 4 * (elements - cost.params)


@pytest.mark.parametrize("group", [1, 2])
def test_transposed(group: int) -> None:
    net = NetBuilder((1, 4, 5, 6))
    weight = net.constant("w", np.zeros((4, 3, 2, 3), np.float32))
    y = net.node("ConvTranspose", [net.input, weight], strides=[2, 2], group=group, channels=3 * group)
    (cost,) = graph_cost(loaded(net.proto(y)))
    assert cost.kind is Kind.TRANSPOSED
    assert cost.macs == 4 * 5 * 6 * 3 * 2 * 3


def test_matrix_products() -> None:
    net = NetBuilder((7, 6))
    y = net.gemm(net.input, 4)
    assert [cost.macs for cost in graph_cost(loaded(net.proto(y)))] == [7 * 6 * 4]
    net = NetBuilder((2, 5, 6))
    weight = net.constant("w", np.zeros((6, 4), np.float32))
    assert [cost.macs for cost in graph_cost(loaded(net.proto(net.node("MatMul", [net.input, weight]))))] == [
        2 * 5 * 6 * 4
    ]
    net = NetBuilder((6, 7))
    weight = net.constant("w", np.zeros((6, 4), np.float32))
    y = net.node("Gemm", [net.input, weight], transA=1)
    assert [cost.macs for cost in graph_cost(loaded(net.proto(y)))] == [7 * 6 * 4]


def test_what_only_steers_is_no_parameter() -> None:
    net = NetBuilder((1, 3, 4, 4))
    x = net.node("Reshape", [net.relu6(net.input), net.constant("shape", np.array([1, -1]))])
    assert [(cost.params, cost.macs, cost.bytes_moved) for cost in graph_cost(loaded(net.proto(x)))] == [
        (0, 0, 2 * 4 * 48),
        (0, 0, 2 * 4 * 48),
    ]


def test_a_shared_weight_is_counted_once_and_moved_twice() -> None:
    net = NetBuilder((1, 3, 4, 4))
    x = net.conv(net.input, 3, name="conv", bias=False)
    first, second = graph_cost(loaded(net.proto(net.node("Conv", [x, "conv.weight"]))))
    assert (first.params, second.params) == (9, 0)
    assert first.bytes_moved == second.bytes_moved


def test_a_value_read_twice_moves_once() -> None:
    net = NetBuilder((1, 3, 4, 4))
    (cost,) = graph_cost(loaded(net.proto(net.node("Mul", [net.input, net.input]))))
    assert cost.bytes_moved == 2 * 4 * 48


def test_codes_are_a_byte() -> None:
    net = Quantised((1, 4, 6, 6))
    weight = net.coded("conv.weight", np.ones((2, 4, 1, 1), np.int8), 0.1)
    bias = net.constant("conv.bias", np.ones(2, np.float32))
    x = net.pair(net.node("Conv", [net.pair(net.input), weight, bias], channels=2))
    view = net.view(x)
    (cost,) = graph_cost(view.model, code_bytes(view))
    assert cost.bytes_moved == 4 * 36 + 2 * 36 + 8 + 4 * 2
    assert cost.live_activation_bytes == 4 * 36 + 2 * 36


def test_share_of_separable_layers() -> None:
    costs = graph_cost(loaded(tiny_separable()))
    by_kind = {kind: sum(cost.macs for cost in costs if cost.kind is kind) for kind in Kind}
    total = sum(by_kind.values())
    assert by_kind[Kind.STANDARD] == 64 * 8 * 3 * 9
    assert by_kind[Kind.FULLY_CONNECTED] == 16 * 5
    assert separable_share(costs) == (by_kind[Kind.DEPTHWISE] + by_kind[Kind.POINTWISE]) / total
    assert separable_share(()) == 0


def test_a_dynamic_batch_counts_as_one() -> None:
    net = NetBuilder((1, 3, 4, 4))
    net.inputs[net.input] = ("n", 3, 4, 4)
    (cost,) = graph_cost(loaded(net.proto(net.conv(net.input, 2))))
    assert (cost.macs, cost.output_shape) == (3 * 2 * 16, (1, 2, 4, 4))
