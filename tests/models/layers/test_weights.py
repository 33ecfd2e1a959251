"""Seeded weights repeat and leave the caller's random state; statistics are the batch's; He's keep a scale."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from sepia.models.layers import (
    ConvNorm,
    DepthwiseSeparable,
    DepthwiseTransposed,
    SeparableTransposed,
    initialise,
    seeded,
    set_norm_statistics,
)
from torch import nn


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


@pytest.mark.parametrize("dimensions", [1, 3])
def test_seeded_takes_an_input_of_other_dimensions(dimensions: int) -> None:
    net = seeded(lambda: SeparableTransposed(2, 3, dimensions=dimensions), shape=(4, 2, *(6,) * dimensions))
    with torch.no_grad():
        found = net(torch.randn(2, 2, *(6,) * dimensions, generator=torch.Generator().manual_seed(0)))
    assert 0.1 < found.std() < 10


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


@pytest.mark.parametrize("transposed", [False, True])
def test_he_keeps_the_second_moment_behind_a_relu(transposed: bool) -> None:
    """E[y²] = 2·E[x²] for x of zero mean, half of which a ReLU keeps: He et al. 2015, equation (9)."""
    layer: nn.Module
    if transposed:
        layer = DepthwiseTransposed(400, 4, 2, bias=True, norm=False, activation=None, padding="valid")
    else:
        layer = ConvNorm(40, 400, 3, bias=True, norm=False, activation=None, padding="valid")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        initialise(layer)
        values = torch.randn(1, 400 if transposed else 40, 24, 24)
    with torch.no_grad():
        found = layer(values)[..., 2:-2, 2:-2]
    assert found.square().mean().item() == pytest.approx(2.0, rel=0.1)
    assert not layer.conv.bias.any()  # type: ignore[union-attr]
