"""Rows times weights are the layer: against plain convolutions in torch, for every sort of layer."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.graph.kinds import Kind
from sepia.quantize.layer import Layer
from sepia.quantize.learning.layer_rows import draw_positions, inputs_at, outputs_at, row_count
from sepia.quantize.read_layer import read_layer

rng = np.random.default_rng


def layer_of(kind: Kind, weight: np.ndarray, size: tuple[int, ...], **geometry: object) -> Layer:
    return Layer("l", kind, "x", "y", weight, np.zeros(len(weight), np.float32), output_size=size, **geometry)


@settings(max_examples=60, deadline=None)
@given(
    dimensions=st.integers(1, 3),
    group=st.sampled_from([1, 2, 4]),
    stride=st.integers(1, 2),
    dilation=st.integers(1, 2),
    seed=st.integers(0, 1000),
)
def test_rows_of_a_convolution(dimensions: int, group: int, stride: int, dilation: int, seed: int) -> None:
    draw = rng(seed)
    kernel = tuple(int(k) for k in draw.integers(1, 4, dimensions))
    pads = tuple((int(p), int(p)) for p in draw.integers(0, 3, dimensions))
    size = tuple(int(s) for s in draw.integers(5, 8, dimensions))
    weight = draw.normal(size=(2 * group, 4 // group, *kernel)).astype(np.float32)
    codes, zero = draw.integers(0, 256, (2, 4, *size)).astype(np.uint8), 17
    convolve = (torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d)[dimensions - 1]
    real = torch.from_numpy(codes.astype(np.float32) - zero)
    right = convolve(
        real, torch.from_numpy(weight), None, stride, tuple(p for p, _ in pads), dilation, group
    ).numpy()  # fmt: skip
    layer = layer_of(
        Kind.GROUPED, weight, right.shape[2:], group=group, strides=(stride,) * dimensions,
        dilations=(dilation,) * dimensions, pads=pads,
    )  # fmt: skip
    (positions,) = draw_positions(layer, 2, 1, draw)
    assert len(positions) == 2 * np.prod(right.shape[2:])  # few enough for all of them
    _same(layer, codes, zero, positions, right)


@pytest.mark.parametrize(("stride", "dilation", "pad"), [(1, 1, 0), (2, 1, 1), (3, 1, 1), (2, 2, 1)])
def test_rows_of_a_transposed_convolution(stride: int, dilation: int, pad: int) -> None:
    draw = rng(stride)
    weight = draw.normal(size=(5, 3, 3, 3)).astype(np.float32)
    codes, zero = draw.integers(0, 256, (1, 3, 5, 6)).astype(np.uint8), 200
    real = torch.from_numpy(codes.astype(np.float32) - zero)
    swapped = torch.from_numpy(weight).transpose(0, 1)
    right = torch.nn.functional.conv_transpose2d(real, swapped, stride=stride, padding=pad, dilation=dilation).numpy()
    layer = layer_of(
        Kind.TRANSPOSED, weight, right.shape[2:], strides=(stride,) * 2, dilations=(dilation,) * 2,
        pads=((pad, pad),) * 2,
    )  # fmt: skip
    (positions,) = draw_positions(layer, 1, 1, draw)
    _same(layer, codes, zero, positions, right)


def test_rows_of_a_fully_connected_layer() -> None:
    draw = rng(0)
    weight = draw.normal(size=(5, 7)).astype(np.float32)
    codes = draw.integers(0, 256, (3, 7)).astype(np.uint8)
    right = (codes.astype(np.float32) - 3.0) @ weight.T
    layer = layer_of(Kind.FULLY_CONNECTED, weight, ())
    (positions,) = draw_positions(layer, 3, 1, draw)
    assert positions.tolist() == [0, 1, 2]
    _same(layer, codes, 3, positions, right)


def _same(layer: Layer, codes: np.ndarray, zero: int, positions: np.ndarray, right: np.ndarray) -> None:
    rows = inputs_at(layer, codes, positions, zero).astype(np.float32) - zero
    assert rows.shape[:2] == (layer.group, len(positions))
    weight = layer.weight.reshape(layer.group, layer.channels_out // layer.group, -1)
    found = np.einsum("grk,gok->gro", rows, weight)
    np.testing.assert_allclose(found, outputs_at(layer, right, positions), rtol=1e-4, atol=1e-2)


def test_positions_are_spread_over_the_samples_and_bounded() -> None:
    layer = layer_of(Kind.POINTWISE, np.ones((4, 4, 1, 1), np.float32), (30, 30))
    for samples in (1, 7, 100, 20_000):
        drawn = draw_positions(layer, 1, samples, rng(0))
        assert len(drawn) == samples
        assert sum(map(len, drawn)) == min(row_count(layer), 900 * samples)
        assert all(len(set(some.tolist())) == len(some) and (some < 900).all() for some in drawn)
        assert max(map(len, drawn)) - min(map(len, drawn)) <= 1


def test_rows_of_a_wide_layer_are_bounded_in_bytes() -> None:
    wide = layer_of(Kind.DEPTHWISE, np.ones((4096, 1, 5, 5), np.float32), (7, 7), group=4096)
    assert row_count(wide) * 4096 * 25 <= 100 * 2**20


def test_layout_of_a_read_layer() -> None:
    """A transposed convolution read from a graph has its taps where the rows have them."""
    x = ir.Value(name="x", shape=ir.Shape([1, 2, 4]), type=ir.TensorType(ir.DataType.FLOAT))
    weight = rng(1).normal(size=(2, 3, 3)).astype(np.float32)
    const = ir.Value(name="w", shape=ir.Shape(weight.shape), const_value=ir.tensor(weight, name="w"))
    node = ir.node("ConvTranspose", [x, const], {"strides": [2], "pads": [1, 1]}, name="up")
    node.outputs[0].shape = ir.Shape([1, 3, 7])
    layer = read_layer(node, "y")
    codes = rng(2).integers(0, 256, (1, 2, 4)).astype(np.uint8)
    right = torch.nn.functional.conv_transpose1d(
        torch.from_numpy(codes.astype(np.float32) - 9), torch.from_numpy(weight), stride=2, padding=1
    ).numpy()
    _same(layer, codes, 9, np.arange(7), right)
