"""Padding moves into the layer behind it where that is the same, and stays where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.graph.passes.fold_pad import fold_pad
from support.graphs import NetBuilder
from support.passes import holds, ops


def padded(
    pads: list[int], *, value: float | None = None, axes: list[int] | None = None, relu: bool = False, **rest: Any
) -> tuple[NetBuilder, str]:
    net = NetBuilder((1, 3, 6, 7))
    x = net.node("Relu", [net.input]) if relu else net.input
    names = [x, net.constant("pads", np.array(pads))]
    if value is not None or axes is not None:
        names.append("" if value is None else net.constant("value", np.float32(value)))
    if axes is not None:
        names.append(net.constant("axes", np.array(axes)))
    return net, net.node("Pad", names, **rest)


@settings(max_examples=40, deadline=None)
@given(
    top=st.integers(0, 2), left=st.integers(0, 2), bottom=st.integers(0, 2), right=st.integers(0, 2),
    own=st.integers(0, 1), stride=st.integers(1, 2),
)  # fmt: skip
def test_into_a_convolution(top: int, left: int, bottom: int, right: int, own: int, stride: int) -> None:
    net, x = padded([0, 0, top, left, 0, 0, bottom, right])
    model = holds(fold_pad, net.proto(net.conv(x, 4, kernel=3, pad=own, stride=stride)))
    assert ops(model) == ["Conv"]
    assert list(model.graph[0].attributes["pads"].as_ints()) == [top + own, left + own, bottom + own, right + own]


def test_axes_may_be_given_and_negative() -> None:
    net, x = padded([1, 2], axes=[-1])
    model = holds(fold_pad, net.proto(net.conv(x, 4, kernel=3, pad=0)))
    assert list(model.graph[0].attributes["pads"].as_ints()) == [0, 1, 0, 2]


def test_every_reader_takes_its_part() -> None:
    net, x = padded([0, 0, 1, 1, 0, 0, 1, 1])
    y = net.node("Add", [net.conv(x, 4, kernel=3, pad=0), net.conv(x, 4, kernel=3, pad=0)])
    assert ops(holds(fold_pad, net.proto(y))) == ["Conv", "Conv", "Add"]


def test_a_reader_that_cannot_take_it_keeps_it_for_all() -> None:
    net, x = padded([0, 0, 1, 1, 0, 0, 1, 1])
    outputs = [net.conv(x, 4, kernel=3, pad=0), net.node("Relu", [x])]
    assert ops(holds(fold_pad, net.proto(*outputs), changes=False)) == ["Pad", "Conv", "Relu"]


@pytest.mark.parametrize(
    ("pads", "rest"),
    [
        ([0, 0, 1, 1, 0, 0, 1, 1], {"value": 0.5}),
        ([0, 1, 0, 0, 0, 0, 0, 0], {}),
        ([0, 0, -1, 0, 0, 0, 0, 0], {}),
        ([0, 0, 1, 1, 0, 0, 1, 1], {"mode": "reflect"}),
        ([0, 0, 1, 1, 0, 0, 1, 1], {"mode": "edge"}),
    ],
    ids=["value", "channels", "negative", "reflect", "edge"],
)
def test_what_a_convolution_cannot_say(pads: list[int], rest: dict[str, Any]) -> None:
    net, x = padded(pads, **rest)
    net.channels[x] = 3 + pads[1]
    assert ops(holds(fold_pad, net.proto(net.conv(x, 4, kernel=3)), changes=False)) == ["Pad", "Conv"]


def test_an_output_stays() -> None:
    net, x = padded([0, 0, 1, 1, 0, 0, 1, 1])
    holds(fold_pad, net.proto(net.conv(x, 4, kernel=3), x), changes=False)


@pytest.mark.parametrize(
    ("settings_", "folds"),
    [
        ({}, True),
        ({"count_include_pad": 1, "pads": [1, 1, 1, 1]}, True),
        ({"count_include_pad": 0, "pads": [1, 1, 1, 1]}, False),
        ({"ceil_mode": 1, "strides": [2, 2]}, False),
    ],
)
def test_into_an_average_pool(settings_: dict[str, Any], folds: bool) -> None:
    net, x = padded([0, 0, 1, 0, 0, 0, 1, 1])
    y = net.node("AveragePool", [x], kernel_shape=[3, 3], **settings_)
    model = holds(fold_pad, net.proto(y), tolerance=1e-6, changes=folds)
    assert ("Pad" in ops(model)) is not folds


@pytest.mark.parametrize(
    ("rest", "folds"),
    [({"relu": True}, True), ({}, False), ({"value": -np.inf}, True), ({"value": 1.0, "relu": True}, False)],
)
def test_into_a_max_pool(rest: dict[str, Any], folds: bool) -> None:
    net, x = padded([0, 0, 1, 0, 0, 0, 1, 1], **rest)
    model = holds(fold_pad, net.proto(net.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2])), changes=folds)
    assert ("Pad" in ops(model)) is not folds


def test_a_window_of_padding_alone_is_no_pool() -> None:
    net, x = padded([0, 0, 3, 0, 0, 0, 0, 0], relu=True)
    holds(fold_pad, net.proto(net.node("MaxPool", [x], kernel_shape=[3, 3])), changes=False)
