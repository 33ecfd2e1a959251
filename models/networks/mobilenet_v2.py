"""MobileNetV2: Sandler et al. 2018, arXiv:1801.04381, table 2."""

from __future__ import annotations

from torch import Tensor, nn

from ..layers import ConvNorm, InvertedResidual, Pointwise

__all__ = ["MobileNetV2"]

_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels out, number of blocks, stride of the first."""


class MobileNetV2(nn.Module):
    """[N, 3, H, W] → logits [N, classes]. H, W: any, 224 as published. 3.50 M parameters, 301 M MACs."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 32, 3, 2, activation=nn.ReLU6)
        blocks: list[nn.Module] = []
        channels = 32
        for expansion, out, count, stride in _STAGES:
            for index in range(count):
                blocks.append(InvertedResidual(channels, out, channels * expansion, 3, stride if index == 0 else 1))
                channels = out
        self.blocks = nn.Sequential(*blocks)
        self.head = Pointwise(channels, 1280, activation=nn.ReLU6)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(1280, classes)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        features = self.pool(self.head(self.blocks(self.stem(input))))
        logits: Tensor = self.classifier(features.flatten(1))
        return logits
