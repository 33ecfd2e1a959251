"""MobileOne-S0: Vasu et al. 2022, arXiv:2206.04040, table 2 and figure 3.

Trained, each layer is a sum of branches (several convolutions, a 1×1 one, a normalised identity); folded, it is the
one convolution that the sum equals. RepVGG's algebra (Ding et al. 2021, arXiv:2101.03697, section 3.3).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..layers import ConvNorm

__all__ = ["MobileOne", "MobileOneLayer", "mobileone_s0"]

_S0 = ((48, 2), (128, 8), (256, 10), (1024, 1))
"""Channels out and number of separable layers of each stage; the first layer of each halves."""

_BRANCHES = 4
"""The paper's k for S0: convolutions of a layer's own kernel."""


class MobileOneLayer(nn.Module):
    """Convolution in branches, each normalised, summed, then ReLU. [N, C_in, H, W] → [N, C_out, H/stride, W/stride].

    branches: of the layer's own kernel. Beside them a 1×1 one where the kernel is wider, and the normalised input
    where stride and channels let it be added. `fold` makes it one convolution with a bias.
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, *, groups: int = 1, branches: int = 1
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.groups = kernel, stride, groups
        kernels = [kernel] * branches + [1] * (kernel > 1)
        self.branches = nn.ModuleList(
            ConvNorm(channels_in, channels_out, size, stride, groups=groups, activation=None) for size in kernels
        )
        self.identity = nn.BatchNorm2d(channels_in) if stride == 1 and channels_in == channels_out else None
        self.activation = nn.ReLU()

    def forward(self, values: Tensor) -> Tensor:
        parts = [branch(values) for branch in self.branches]
        if self.identity is not None:
            parts.append(self.identity(values))
        result: Tensor = self.activation(torch.stack(parts).sum(0))
        return result

    def fold(self) -> nn.Sequential:
        """The same function in evaluation mode: one convolution with a bias, then ReLU."""
        parts = [
            _normalised(branch.conv.weight, branch.norm) for branch in self.branches if isinstance(branch, ConvNorm)
        ]
        out, per_group = parts[0][0].shape[:2]
        if self.identity is not None:
            parts.append(_normalised(_unit(out, per_group), self.identity))
        conv = nn.Conv2d(per_group * self.groups, out, self.kernel, self.stride, self.kernel // 2, groups=self.groups)
        total = torch.stack([_widened(weight, self.kernel) for weight, _ in parts]).sum(0)
        bias = torch.stack([bias for _, bias in parts]).sum(0)
        conv.weight, conv.bias = nn.Parameter(total), nn.Parameter(bias)
        return nn.Sequential(conv, self.activation)


class MobileOne(nn.Module):
    """[N, 3, H, W] → logits [N, classes], in branches. H, W: any, 224 as published.

    stages: channels out and number of depthwise separable layers of each.
    """

    def __init__(self, stages: tuple[tuple[int, int], ...], branches: int, classes: int = 1000) -> None:
        super().__init__()
        channels = min(64, stages[0][0])
        layers: list[nn.Module] = [MobileOneLayer(3, channels, 3, 2)]
        for out, count in stages:
            for index in range(count):
                stride = 2 if index == 0 else 1
                layers.append(MobileOneLayer(channels, channels, 3, stride, groups=channels, branches=branches))
                layers.append(MobileOneLayer(channels, out, 1, branches=branches))
                channels = out
        self.layers = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        logits: Tensor = self.classifier(self.pool(self.layers(input)).flatten(1))
        return logits

    def for_inference(self) -> MobileOne:
        """This network, changed in place: evaluation mode, each layer folded into one convolution."""
        self.layers = nn.Sequential(*(layer.fold() for layer in self.layers if isinstance(layer, MobileOneLayer)))
        return self.eval()


def mobileone_s0() -> MobileOne:
    """5.29 M parameters in branches; folded 2.08 M, 275 M MACs."""
    return MobileOne(_S0, _BRANCHES)


def _normalised(weight: Tensor, norm: nn.Module | None) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution with `norm` behind it: (w·x − μ)·γ/σ + β = (γ/σ·w)·x + (β − μ·γ/σ)."""
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None or norm.running_var is None:
        raise TypeError(f"{type(norm).__name__} keeps no statistics that could be folded")
    factor = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
    return weight.detach() * factor[:, None, None, None], norm.bias.detach() - norm.running_mean * factor


def _unit(channels: int, per_group: int) -> Tensor:
    """The 1×1 weight, [channels, per_group, 1, 1], that gives each channel as it is."""
    index = torch.arange(channels)
    return nn.functional.one_hot(index % per_group, per_group).float()[:, :, None, None]


def _widened(weight: Tensor, kernel: int) -> Tensor:
    """Zeros about a 1×1 weight, so that it is as wide as `kernel`."""
    return functional.pad(weight, [(kernel - weight.shape[-1]) // 2] * 4)
