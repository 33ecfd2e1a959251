"""auto_pad, output_shape and defaults are written out, in the runtime's own reading of them."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sepia.graph.passes.explicit_attributes import explicit_attributes
from support.graphs import NetBuilder
from support.passes import holds

SMALL = st.integers(1, 3)


@settings(max_examples=60, deadline=None)
@given(
    size=st.lists(st.integers(5, 9), min_size=1, max_size=3),
    kernel=SMALL,
    stride=SMALL,
    dilation=st.integers(1, 2),
    auto=st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID"]),
)
def test_convolutions(size: list[int], kernel: int, stride: int, dilation: int, auto: str) -> None:
    net = NetBuilder((1, 2, *size))
    dimensions = len(size)
    weight = net.constant("w", net.rng.normal(size=(2, 2, *[kernel] * dimensions)).astype("float32"))
    # ONNX Runtime refuses SAME with dilation.
    dilation = dilation if auto == "VALID" else 1
    settings_ = {"auto_pad": auto, "strides": [stride] * dimensions, "dilations": [dilation] * dimensions}
    model = holds(explicit_attributes, net.proto(net.node("Conv", [net.input, weight], channels=2, **settings_)))
    attributes = model.graph[0].attributes
    assert set(attributes) == {"kernel_shape", "strides", "dilations", "pads", "group"}
    assert list(attributes["kernel_shape"].as_ints()) == [kernel] * dimensions


@settings(max_examples=40, deadline=None)
@given(
    op=st.sampled_from(["MaxPool", "AveragePool"]),
    size=st.integers(5, 9),
    kernel=SMALL,
    stride=SMALL,
    auto=st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID"]),
)
def test_pools(op: str, size: int, kernel: int, stride: int, auto: str) -> None:
    net = NetBuilder((1, 2, size, size + 1))
    assume(kernel >= stride)  # else ONNX Runtime refuses SAME for pools
    y = net.node(op, [net.input], kernel_shape=[kernel] * 2, strides=[stride] * 2, auto_pad=auto)
    model = holds(explicit_attributes, net.proto(y))
    assert "auto_pad" not in model.graph[0].attributes


@settings(max_examples=40, deadline=None)
@given(
    size=st.integers(4, 6),
    kernel=st.integers(2, 4),
    stride=st.integers(1, 2),
    spare=st.integers(0, 1),
    auto=st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER"]),
)
def test_transposed_to_a_wanted_shape(size: int, kernel: int, stride: int, spare: int, auto: str) -> None:
    net = NetBuilder((1, 2, size, size))
    weight = net.constant("w", net.rng.normal(size=(2, 3, kernel, kernel)).astype("float32"))
    wanted = (size - 1) * stride + kernel - spare
    inputs = [net.input, weight]
    y = net.node("ConvTranspose", inputs, strides=[stride] * 2, output_shape=[wanted] * 2, auto_pad=auto, channels=3)
    model = holds(explicit_attributes, net.proto(y))
    assert "output_shape" not in model.graph[0].attributes


def test_spelt_out_already() -> None:
    net = NetBuilder((1, 2, 6, 6))
    holds(explicit_attributes, net.proto(net.conv(net.input, 3, kernel=3)), changes=False)


@pytest.mark.parametrize("auto", ["SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("op", ["Conv", "ConvTranspose", "MaxPool"])
def test_an_open_batch_is_no_hindrance(op: str, auto: str) -> None:
    net = NetBuilder((1, 2, 6, 7))
    net.inputs[net.input] = ("N", 2, 6, 7)
    weight = [net.constant("w", net.rng.normal(size=(2, 2, 3, 3)).astype("float32"))] if op != "MaxPool" else []
    y = net.node(op, [net.input, *weight], kernel_shape=[3, 3], strides=[2, 2], auto_pad=auto, channels=2)
    model = holds(explicit_attributes, net.proto(y))
    assert "auto_pad" not in model.graph[0].attributes
