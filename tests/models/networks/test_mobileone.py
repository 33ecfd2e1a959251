"""Branches and the one convolution that they fold into are the same function."""

from __future__ import annotations

import pytest
import torch
from sepia.models.layers import set_norm_statistics
from sepia.models.networks.mobileone import MobileOne, MobileOneLayer
from support.count import count
from torch import nn

_LAYERS = {
    "first": (3, 8, 3, 2, 1),
    "depthwise": (8, 8, 3, 1, 8),
    "strided depthwise": (8, 8, 3, 2, 8),
    "pointwise": (8, 8, 1, 1, 1),
    "pointwise to more": (8, 12, 1, 1, 1),
    "grouped": (8, 8, 3, 1, 2),
}


@pytest.mark.parametrize("name", _LAYERS)
def test_a_folded_layer_is_the_layer(name: str) -> None:
    channels_in, out, kernel, stride, groups = _LAYERS[name]
    layer = MobileOneLayer(channels_in, out, kernel, stride, groups=groups, branches=3)
    _unsettle(layer, torch.randn(4, channels_in, 9, 9))
    values = torch.randn(2, channels_in, 9, 9)
    with torch.no_grad():
        torch.testing.assert_close(layer.fold()(values), layer(values), rtol=0, atol=1e-5)


def test_a_layer_of_branches_is_their_sum() -> None:
    layer = MobileOneLayer(8, 8, 3, groups=8, branches=4)
    _unsettle(layer, torch.randn(4, 8, 9, 9))
    values = torch.randn(1, 8, 9, 9)
    with torch.no_grad():
        parts = [branch(values) for branch in layer.branches] + [layer.identity(values)]  # type: ignore[misc]
        assert len(parts) == 6, "four 3×3, a 1×1 and the identity: figure 3 of the paper"
        torch.testing.assert_close(layer(values), sum(parts).clamp(min=0), rtol=0, atol=1e-5)


def test_a_network_for_inference_has_no_branch_left() -> None:
    network = MobileOne(((8, 1), (16, 2)), branches=2, classes=5)
    _unsettle(network, torch.randn(4, 3, 32, 32))
    values = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        expected = network(values)
        torch.testing.assert_close(network.for_inference()(values), expected, rtol=1e-4, atol=1e-5)
    kinds = [type(layer) for layer in network.modules() if not list(layer.children())]
    assert set(kinds) == {nn.Conv2d, nn.ReLU, nn.AdaptiveAvgPool2d, nn.Linear}
    assert kinds.count(nn.Conv2d) == 1 + 2 * 3


def test_s1_in_branches_costs_what_timm_says() -> None:
    """4.83 M parameters and 0.86 G, by a counter that adds two for each normalised value: timm,
    results/benchmark-infer-fp32-nchw-pt240-cpu-i9_10940x-dynamo.csv."""
    with torch.device("meta"):
        network = MobileOne(((96, 2), (192, 8), (512, 10), (1280, 1)), branches=1)
    norms: list[int] = []
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.register_forward_hook(lambda layer, inputs, output: norms.append(output.numel()))
    with torch.device("meta"):
        found = count(network, (3, 224, 224))
    assert round(found.parameters / 1e6, 2) == 4.83
    assert round((found.macs + 2 * sum(norms)) / 1e9, 2) == 0.86


def _unsettle(module: nn.Module, batch: torch.Tensor) -> None:
    """Scales, shifts and statistics as training would leave them: none 0 or 1."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, 0.0, 0.5)
    set_norm_statistics(module, batch)
