"""Squeeze-and-excitation against its formula, in 1, 2 and 3 dimensions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sepia.models.layers import SqueezeExcite
from support.slow_layers import draw_weights, ran
from torch import nn


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_it_is_its_formula(dimensions: int) -> None:
    layer = draw_weights(SqueezeExcite(6, 2, activation=nn.SiLU, gate=nn.Sigmoid, dimensions=dimensions))
    assert isinstance(layer, SqueezeExcite)
    values = np.random.default_rng(0).normal(size=(6, *(3, 4, 2)[:dimensions]))
    means = values.reshape(6, -1).mean(axis=1)
    reduce, expand = (
        (conv.weight.detach().numpy(), conv.bias.detach().numpy()) for conv in (layer.reduce, layer.expand)
    )
    squeezed = reduce[0].reshape(2, 6) @ means + reduce[1]
    squeezed = squeezed / (1 + np.exp(-squeezed))
    scale = 1 / (1 + np.exp(-(expand[0].reshape(6, 2) @ squeezed + expand[1])))
    wanted = values * scale.reshape(6, *(1,) * dimensions)
    np.testing.assert_allclose(ran(layer, values), wanted, atol=1e-12)


def test_its_numbers_lie_between_0_and_1_by_default() -> None:
    layer, values = SqueezeExcite(8, 2).eval(), torch.rand(1, 8, 4, 4) + 0.1
    with torch.no_grad():
        ratio = (layer(values) / values).flatten(2)
    assert torch.allclose(ratio, ratio[:, :, :1].expand_as(ratio), atol=1e-6)
    assert ((ratio >= 0) & (ratio <= 1)).all()
