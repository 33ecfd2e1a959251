"""Layers read from nodes, whatever the layout in the file."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from sepia.graph.kinds import Kind
from sepia.quantize.layer import Layer
from sepia.quantize.read_layer import channel_axis, in_file_layout, read_layer
from support.graphs import NetBuilder


def last_layer(net: NetBuilder) -> Layer:
    model = ir.from_proto(net.proto(net.nodes[-1].output[0]))
    return read_layer(list(model.graph)[-1], "after")


def test_a_depthwise_convolution() -> None:
    net = NetBuilder((1, 4, 12, 11))
    net.depthwise(net.input, kernel=3, stride=2, multiplier=2, name="dw")
    layer = last_layer(net)
    assert (layer.kind, layer.group, layer.kernel) == (Kind.DEPTHWISE, 4, (3, 3))
    assert (layer.strides, layer.pads, layer.output_size) == ((2, 2), ((1, 1), (1, 1)), (6, 6))
    assert (layer.source, layer.output) == ("image", "after")
    assert layer.weight.shape == (8, 1, 3, 3)


def test_no_bias_is_a_bias_of_zeros() -> None:
    net = NetBuilder((1, 4, 8))
    net.conv(net.input, 6, bias=False)
    np.testing.assert_array_equal(last_layer(net).bias, np.zeros(6, np.float32))


def test_a_fully_connected_layer_with_one_bias_for_all() -> None:
    net = NetBuilder((1, 6))
    weight = np.arange(24, dtype=np.float32).reshape(4, 6)
    names = [
        net.input,
        net.constant("w", weight),
        net.constant("b", np.ones(1, np.float32)),
    ]
    net.node("Gemm", names, transB=1)
    layer = last_layer(net)
    np.testing.assert_array_equal(layer.weight, weight)
    np.testing.assert_array_equal(layer.bias, np.ones(4, np.float32))


def test_a_transposed_convolution_goes_there_and_back() -> None:
    net = NetBuilder((1, 3, 5, 5))
    weight = np.random.default_rng(0).normal(0, 1, (3, 7, 2, 2)).astype(np.float32)
    net.node("ConvTranspose", [net.input, net.constant("w", weight)], kernel_shape=[2, 2], strides=[2, 2])
    layer = last_layer(net)
    assert layer.weight.shape == (7, 3, 2, 2)
    assert layer.kind is Kind.TRANSPOSED
    np.testing.assert_array_equal(in_file_layout("ConvTranspose", layer.weight), weight)
    assert channel_axis("ConvTranspose") == 1
    assert channel_axis("ConvTranspose", group=3) == 0
    assert channel_axis("Conv") == channel_axis("Gemm") == 0


def test_a_depthwise_transposed_convolution_lies_as_a_depthwise_one() -> None:
    net = NetBuilder((1, 3, 5, 5))
    weight = np.random.default_rng(0).normal(0, 1, (3, 1, 2, 2)).astype(np.float32)
    net.node("ConvTranspose", [net.input, net.constant("w", weight)], kernel_shape=[2, 2], strides=[2, 2], group=3)
    layer = last_layer(net)
    assert layer.group == layer.channels_out == 3
    np.testing.assert_array_equal(layer.weight, weight)
    np.testing.assert_array_equal(in_file_layout("ConvTranspose", layer.weight, 3), weight)
