"""Layers have the shapes, parameters and MACs that their docstrings promise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sepia.models.layers import (
    ConvNorm,
    Depthwise,
    DepthwiseSeparable,
    InvertedResidual,
    Pointwise,
    SqueezeExcite,
    make_divisible,
    pad_same,
    seeded,
    set_norm_statistics,
)
from support.count import count
from torch import nn


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize(("kernel", "stride", "multiplier"), [(3, 1, 1), (5, 2, 1), (3, 2, 3)])
def test_depthwise(dimensions: int, kernel: int, stride: int, multiplier: int) -> None:
    layer = Depthwise(6, kernel, stride, multiplier=multiplier, dimensions=dimensions)
    positions = 5**dimensions if stride == 2 else 9**dimensions
    taps, out = kernel**dimensions, 6 * multiplier
    found = count(layer, (6, *(9,) * dimensions))
    assert found.output_shape == (1, out, *(5 if stride == 2 else 9,) * dimensions)
    assert (found.parameters, found.macs) == (taps * out + 2 * out, taps * out * positions)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_pointwise(dimensions: int) -> None:
    found = count(Pointwise(6, 10, dimensions=dimensions), (6, *(4,) * dimensions))
    assert (found.parameters, found.macs) == (6 * 10 + 2 * 10, 6 * 10 * 4**dimensions)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_depthwise_separable_costs_its_part_of_a_standard_convolution(dimensions: int) -> None:
    shape, taps, out = (6, *(4,) * dimensions), 3**dimensions, 10
    separable = count(DepthwiseSeparable(6, out, dimensions=dimensions), shape)
    standard = count(ConvNorm(6, out, dimensions=dimensions), shape)
    assert separable.parameters == taps * 6 + 6 * out + 2 * (6 + out)
    assert separable.macs == (taps + out) * 6 * 4**dimensions
    assert separable.macs == pytest.approx(standard.macs * (1 / out + 1 / taps))


def test_squeeze_excite() -> None:
    found = count(SqueezeExcite(8, 2), (8, 4, 4))
    assert found.output_shape == (1, 8, 4, 4)
    assert (found.parameters, found.macs) == (2 * 8 * 2 + 8 + 2, 2 * 8 * 2)


def test_squeeze_excite_scales_each_channel_by_one_number() -> None:
    layer, values = SqueezeExcite(8, 2).eval(), torch.rand(1, 8, 4, 4) + 0.1
    with torch.no_grad():
        ratio = (layer(values) / values).flatten(2)
    assert torch.allclose(ratio, ratio[:, :, :1].expand_as(ratio), atol=1e-6)
    assert ((ratio >= 0) & (ratio <= 1)).all()


@pytest.mark.parametrize("stride", [1, 2])
def test_inverted_residual(stride: int) -> None:
    found = count(InvertedResidual(6, 10, 24, 3, stride), (6, 8, 8))
    out = (8 // stride) ** 2
    assert found.parameters == 24 * (6 + 9 + 10) + 4 * 24 + 2 * 10
    assert found.macs == 24 * 6 * 64 + 24 * (9 + 10) * out


@pytest.mark.parametrize(("channels_out", "stride", "adds"), [(6, 1, True), (6, 2, False), (10, 1, False)])
def test_inverted_residual_adds_its_input_where_it_fits(channels_out: int, stride: int, adds: bool) -> None:
    block = InvertedResidual(6, channels_out, 24, 3, stride).eval()
    nn.init.zeros_(block.project.conv.weight)
    values = torch.rand(1, 6, 8, 8)
    with torch.no_grad():
        assert torch.equal(block(values), values) if adds else not block(values).any()


@pytest.mark.parametrize("size", [7, 8, 9, 10])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (5, 2), (3, 3), (2, 2)])
def test_same_padding_is_tensorflows(size: int, kernel: int, stride: int) -> None:
    conv = nn.Conv2d(1, 1, kernel, stride)
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    expected = np.pad(np.ones((size, size)), ((total // 2, total - total // 2),) * 2)
    padded = pad_same(torch.ones(1, 1, size, size), conv)
    np.testing.assert_array_equal(padded[0, 0].numpy(), expected)
    assert conv(padded).shape[2:] == (outputs, outputs)


@pytest.mark.parametrize(("channels", "expected"), [(4, 8), (16, 16), (18, 24), (20, 24), (22.5, 24), (168, 168)])
def test_make_divisible(channels: float, expected: int) -> None:
    assert make_divisible(channels) == expected


def test_make_divisible_never_falls_ten_percent() -> None:
    assert all(make_divisible(n) % 8 == 0 and make_divisible(n) >= 0.9 * n for n in range(1, 500))


def _small() -> nn.Module:
    return nn.Sequential(ConvNorm(3, 8, 3, 2), DepthwiseSeparable(8, 8))


@pytest.mark.parametrize("build", [_small])
def test_seeded_repeats_and_leaves_the_callers_random_state(build: Callable[[], nn.Module]) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second, other = seeded(build, 1), seeded(build, 1), seeded(build, 2)
    assert torch.equal(torch.rand(3), expected)
    pairs = list(zip(first.state_dict().values(), second.state_dict().values(), strict=True))
    assert all(torch.equal(one, two) for one, two in pairs)
    assert not torch.equal(first.state_dict()["0.conv.weight"], other.state_dict()["0.conv.weight"])
    assert not first.training


def test_norm_statistics_are_those_of_the_batch() -> None:
    module, batch = _small(), torch.randn(4, 3, 16, 16) * 3 + 1
    set_norm_statistics(module, batch)
    assert not module.training
    with torch.no_grad():
        values = module[0].conv(batch)
    norm = module[0].norm
    torch.testing.assert_close(norm.running_mean, values.mean((0, 2, 3)))
    torch.testing.assert_close(norm.running_var, values.var((0, 2, 3)))
    assert norm.momentum == 0.1
