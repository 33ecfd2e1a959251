"""What is cut off a transposed convolution moves into its pads where that is the same, and stays where it is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.graph.passes.explicit_attributes import explicit_attributes
from sepia.graph.passes.fold_slice import fold_slice
from support.graphs import NetBuilder
from support.passes import holds, ops


def up(net: NetBuilder, *, group: int = 1, **rest: object) -> str:
    weight = net.constant("w", net.rng.normal(0, 1, (4, 4 // group, 3, 3)).astype(np.float32))
    return net.node("ConvTranspose", [net.input, weight], strides=[2, 2], kernel_shape=[3, 3], group=group, **rest)


def cut(net: NetBuilder, x: str, *settings: list[int]) -> str:
    names = [net.constant(f"s{index}", np.array(numbers)) for index, numbers in enumerate(settings)]
    return net.node("Slice", [x, *names])


@settings(max_examples=30, deadline=None)
@given(
    top=st.integers(0, 2), left=st.integers(0, 2), bottom=st.integers(0, 2), right=st.integers(0, 2),
    group=st.sampled_from([1, 4]), between=st.lists(st.sampled_from(["Relu", "Sigmoid", "HardSwish"]), max_size=2),
)  # fmt: skip
def test_into_the_pads(top: int, left: int, bottom: int, right: int, group: int, between: list[str]) -> None:
    net = NetBuilder((1, 4, 5, 6))
    x = up(net, group=group, pads=[1, 0, 0, 1], dilations=[1, 1])
    for op in between:
        x = net.node(op, [x])
    x = cut(net, x, [top, left], [10 - bottom, 12 - right], [2, 3])
    model = holds(fold_slice, net.proto(x), tolerance=1e-6)
    assert ops(model) == ["ConvTranspose", *between]
    assert list(model.graph[0].attributes["pads"].as_ints()) == [1 + top, left, bottom, 1 + right]


def test_slices_one_after_the_other() -> None:
    net = NetBuilder((1, 4, 5, 6))
    x = cut(net, up(net), [0], [10], [2])
    x = net.node("Slice", [x, net.constant("a", np.array([1])), net.constant("b", np.array([2**62])),
                           net.constant("c", np.array([-1]))])  # fmt: skip
    model = holds(fold_slice, net.proto(x), before=(explicit_attributes,))
    assert ops(model) == ["ConvTranspose"]
    assert list(model.graph[0].attributes["pads"].as_ints()) == [0, 1, 1, 0]


@pytest.mark.parametrize(
    "settings",
    [([0], [2], [1]), ([0], [10], [2], [2]), ([10], [0], [2], [-1])],
    ids=["channels", "steps", "backwards"],
)
def test_other_slices_stay(settings: tuple[list[int], ...]) -> None:
    net = NetBuilder((1, 4, 5, 6))
    assert ops(holds(fold_slice, net.proto(cut(net, up(net), *settings)), changes=False)) == ["ConvTranspose", "Slice"]


def test_what_somebody_else_reads_stays() -> None:
    net = NetBuilder((1, 4, 5, 6))
    x = up(net)
    outputs = [cut(net, x, [0], [10], [2]), net.node("Relu", [x])]
    assert "Slice" in ops(holds(fold_slice, net.proto(*outputs), changes=False))
