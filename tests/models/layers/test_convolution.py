"""ConvNorm, Depthwise and Pointwise against loops: every kernel, stride, dilation, border, group and dimension."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.models.layers import ConvNorm, Depthwise, Pointwise
from support.slow_layers import Array, draw_weights, ran, slow_convolution, slow_norm, slow_pad
from torch import nn


def expected(layer: ConvNorm, values: Array) -> tuple[Array, int]:
    """By loops, the pads worked out here again: (size − 1)/stride, rounded up or down as the padding's name says."""
    conv, window = layer.conv, layer.window
    padded = slow_pad(values, window.pads(values.shape[1:]), window.mode)
    bias = None if conv.bias is None else conv.bias.detach().numpy()
    result, count = slow_convolution(
        padded, conv.weight.detach().numpy(), window.stride, window.dilation, conv.groups, bias
    )
    if layer.norm is not None:
        result = slow_norm(result, layer.norm)
    return (result if layer.activation is None else np.maximum(result, 0)), count


@st.composite
def windows(draw: st.DrawFn) -> dict[str, object]:
    """Arguments that fit an input of 5 or more in each dimension."""
    dimensions = draw(st.integers(1, 3))

    def each(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(least, most)) for _ in range(dimensions))

    return {
        "kernel": each(1, 3),
        "stride": each(1, 3),
        "dilation": each(1, 2),
        "padding": draw(st.sampled_from(["centred", "same", "valid", 1, each(0, 2)])),
        "padding_mode": draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"])),
        "bias": draw(st.booleans()),
        "norm": draw(st.booleans()),
        "activation": draw(st.sampled_from([None, nn.ReLU])),
        "dimensions": dimensions,
    }


def agrees(layer: ConvNorm, channels: int, data: st.DataObject) -> None:
    size = tuple(data.draw(st.integers(5, 7)) for _ in range(layer.dimensions))
    values = np.random.default_rng(data.draw(st.integers(0, 99))).normal(size=(channels, *size))
    draw_weights(layer)
    wanted, count = expected(layer, values)
    found = ran(layer, values)
    assert layer.output_size(size) == found.shape[1:]
    np.testing.assert_allclose(found, wanted, atol=1e-10)
    assert layer.cost(size).macs == count
    assert layer.cost(size).parameters == sum(parameter.numel() for parameter in layer.parameters())


@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data(), arguments=windows(), groups=st.integers(1, 2), each=st.tuples(*[st.integers(1, 2)] * 2))
def test_a_convolution_is_its_loops(
    data: st.DataObject, arguments: dict[str, object], groups: int, each: tuple[int, int]
) -> None:
    channels_in, channels_out = (groups * count for count in each)
    agrees(ConvNorm(channels_in, channels_out, groups=groups, **arguments), channels_in, data)  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data(), arguments=windows(), channels=st.integers(1, 3), multiplier=st.integers(1, 3))
def test_depthwise_is_its_loops(
    data: st.DataObject, arguments: dict[str, object], channels: int, multiplier: int
) -> None:
    agrees(Depthwise(channels, multiplier=multiplier, **arguments), channels, data)  # type: ignore[arg-type]


@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data(), dimensions=st.integers(1, 3), groups=st.integers(1, 2), stride=st.integers(1, 2))
def test_pointwise_is_its_loops(data: st.DataObject, dimensions: int, groups: int, stride: int) -> None:
    layer = Pointwise(2 * groups, 3 * groups, stride, groups=groups, bias=True, dimensions=dimensions)
    agrees(layer, 2 * groups, data)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_pointwise_is_a_linear_layer_at_every_position(dimensions: int) -> None:
    layer = draw_weights(Pointwise(4, 3, bias=True, norm=False, activation=None, dimensions=dimensions))
    assert isinstance(layer, Pointwise)
    values = torch.randn(2, 4, *(3,) * dimensions, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    by_linear = nn.functional.linear(values.movedim(1, -1), layer.conv.weight.flatten(1), layer.conv.bias)
    with torch.no_grad():
        torch.testing.assert_close(layer(values), by_linear.movedim(-1, 1))


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_depthwise_mixes_no_channels(dimensions: int) -> None:
    layer = draw_weights(Depthwise(3, multiplier=2, activation=None, dimensions=dimensions))
    values = np.random.default_rng(0).normal(size=(3, *(4,) * dimensions))
    other = values.copy()
    other[1] += 1
    changed = np.abs(ran(layer, other) - ran(layer, values)).reshape(6, -1).max(axis=1) > 0
    assert changed.tolist() == [False, False, True, True, False, False]


def test_arguments_for_one_dimension_go_to_that_dimension() -> None:
    layer = ConvNorm(1, 1, (3, 5), (1, 2), dilation=(2, 1), padding=(1, 0))
    conv = layer.conv
    assert (conv.kernel_size, conv.stride, conv.dilation, conv.padding) == ((3, 5), (1, 2), (2, 1), (1, 0))


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_same_needs_no_pad_of_its_own_where_the_convolution_can(kernel: int) -> None:
    """So that the exported graph has pads and no Pad."""
    layer = ConvNorm(1, 1, kernel, padding="same")
    assert layer.window.even_pads == (kernel // 2,) * 2
    assert layer.conv.padding == (kernel // 2,) * 2


def test_names_of_weights_stay() -> None:
    names = ["conv.weight", *(f"norm.{name}" for name in ("weight", "bias", "running_mean", "running_var"))]
    assert list(ConvNorm(2, 3).state_dict()) == [*names, "norm.num_batches_tracked"]
