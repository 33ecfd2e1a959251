"""Inverted residuals against their parts in loops, and where the input is added."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sepia.models.layers import ConvNorm, InvertedResidual
from support.slow_layers import Array, draw_weights, ran, slow_convolution, slow_norm, slow_pad
from torch import nn


def step(layer: ConvNorm, values: Array) -> Array:
    conv = layer.conv
    pads = [(d * (k // 2),) * 2 for k, d in zip(conv.kernel_size, conv.dilation, strict=True)]
    padded = slow_pad(values, pads)
    result, _ = slow_convolution(padded, conv.weight.detach().numpy(), conv.stride, conv.dilation, conv.groups)
    assert layer.norm is not None
    return slow_norm(result, layer.norm)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize(("expanded", "stride", "squeezed"), [(2, 1, 0), (4, 1, 2), (4, 2, 0)])
def test_it_is_its_parts(expanded: int, stride: int, squeezed: int, dimensions: int) -> None:
    block = InvertedResidual(2, 2, expanded, 3, stride, squeezed=squeezed, dilation=2, dimensions=dimensions)
    draw_weights(block)
    values = np.random.default_rng(0).normal(size=(2, *(5, 4, 3)[:dimensions]))
    assert (block.expand is None) == (expanded == 2)
    wide = values if block.expand is None else np.clip(step(block.expand, values), 0, 6)
    wide = np.clip(step(block.depthwise, wide), 0, 6)
    if block.squeeze_excite is not None:
        wide = ran(block.squeeze_excite, wide)
    wanted = step(block.project, wide)
    np.testing.assert_allclose(ran(block, values), wanted + values if stride == 1 else wanted, atol=1e-9)


@pytest.mark.parametrize(("channels_out", "stride", "adds"), [(6, 1, True), (6, 2, False), (10, 1, False)])
def test_it_adds_its_input_where_it_fits(channels_out: int, stride: int, adds: bool) -> None:
    block = InvertedResidual(6, channels_out, 24, 3, stride).eval()
    nn.init.zeros_(block.project.conv.weight)
    values = torch.rand(1, 6, 8, 8)
    with torch.no_grad():
        assert torch.equal(block(values), values) if adds else not block(values).any()


@pytest.mark.parametrize(
    ("kernel", "padding", "adds"), [(3, "valid", False), (4, "centred", False), (4, "same", True), (3, 1, True)]
)
def test_it_adds_nothing_where_the_size_changes(kernel: int, padding: str, adds: bool) -> None:
    block = InvertedResidual(6, 6, 12, kernel, padding=padding).eval()  # type: ignore[arg-type]
    assert block.adds == adds
    with torch.no_grad():
        found = block(torch.rand(1, 6, 8, 8))
    assert (found.shape[2:] == (8, 8)) == adds
    assert block.output_size((8, 8)) == tuple(found.shape[2:])


def test_names_of_weights_stay() -> None:
    prefixes = {name.rsplit(".", 2)[0] for name in InvertedResidual(6, 6, 12, squeezed=2).state_dict()}
    assert prefixes == {"expand", "depthwise", "squeeze_excite", "project"}
