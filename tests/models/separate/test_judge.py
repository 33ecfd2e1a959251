"""Losses and agreements against NumPy's, batched or not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sepia.models.separate import depthwise_pointwise
from sepia.models.separate.judge import Judge
from sepia.models.separate.network import SeparableNetwork
from torch import Tensor, nn


class Two(nn.Module):
    """Two outputs. fixed: the batch is written into the graph."""

    def __init__(self, fixed: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.last = nn.Linear(4, 1)
        self.fixed = fixed

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.conv(values)
        means = maps.mean((2, 3))
        return maps, self.last(means.reshape(1, 4) if self.fixed else means)


def network(fixed: bool) -> SeparableNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = Two(fixed).eval()
    return SeparableNetwork(torch.export.export(module, (torch.zeros(1, 2, 6, 6),)), where="net")


@pytest.mark.parametrize("fixed", [False, True])
def test_the_worst_output_is_told(fixed: bool) -> None:
    net = network(fixed)
    samples = [[one[None]] for one in torch.randn(21, 2, 6, 6, generator=torch.Generator().manual_seed(0))]
    judge = Judge(net, samples)
    assert judge.batched is not fixed
    changed = net.with_layers({"conv": depthwise_pointwise.separate(net.layers["conv"], 1)})
    shares = []
    for index in range(2):
        exact, found = (
            np.stack([net.run(module, feeds)[index][0].detach().numpy() for feeds in samples])
            for module in (net.exact(), changed)
        )
        shares.append(np.sqrt(np.square(found - exact).mean()) / exact.std())
        if index == 0:
            agreement = (found.argmax(axis=1) == exact.argmax(axis=1)).mean()
    assert judge.loss(changed) == pytest.approx(max(shares), rel=1e-4)
    assert judge.agreement(changed) == pytest.approx(agreement)
    assert judge.loss(net.exact()) == pytest.approx(0, abs=1e-6) and judge.agreement(net.exact()) == 1.0
