"""Separable ASPP: the branches, and what each sees."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.errors import ModelError
from sepia.models.layers import DepthwiseSeparable, SeparableASPP
from support.slow_layers import draw_weights, ran


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_it_is_its_branches_side_by_side(dimensions: int) -> None:
    layer = draw_weights(SeparableASPP(3, 5, (1, 3), middle=2, dimensions=dimensions))
    assert isinstance(layer, SeparableASPP)
    size = (4, 6, 5)[:dimensions]
    values = np.random.default_rng(0).normal(size=(3, *size))
    mean = values.reshape(3, -1).mean(axis=1).reshape(3, *(1,) * dimensions)
    whole = np.broadcast_to(ran(layer.whole, mean), (2, *size))
    branches = [ran(layer.pointwise, values), *(ran(atrous, values) for atrous in layer.atrous), whole]
    wanted = ran(layer.project, np.concatenate(branches))
    assert wanted.shape == (5, *size)
    np.testing.assert_allclose(ran(layer, values), wanted, atol=1e-10)


def test_each_rate_is_a_dilation() -> None:
    layer = SeparableASPP(3, 5)
    dilations = [branch.depthwise.conv.dilation for branch in layer.atrous if isinstance(branch, DepthwiseSeparable)]
    assert dilations == [(6, 6), (12, 12), (18, 18)]


@pytest.mark.parametrize("rates", [(), (6, 0), (6, 1.5)])
def test_rates_must_be_whole_numbers(rates: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"SeparableASPP: rates is .*; accepted: one or more whole numbers, 1 or more"):
        SeparableASPP(3, 5, rates)
