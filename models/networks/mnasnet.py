"""MnasNet-B1 at any width: Tan et al. 2018, arXiv:1807.11626, figure 7 without squeeze-and-excitation.

B1 is the network of the authors' code (TPU models, `official/mnasnet`) that torchvision and timm also call MnasNet 1.0.
The epsilon and the SAME padding are the authors'; torchvision has PyTorch's.
"""

from __future__ import annotations

from torch import Tensor, nn

from ..layers import ConvNorm, Depthwise, InvertedResidual, Pointwise, make_divisible

__all__ = ["MnasNet"]

_EPS = 1e-3

_STAGES = ((3, 3, 24, 3, 2), (3, 5, 40, 3, 2), (6, 5, 80, 3, 2), (6, 3, 96, 2, 1), (6, 5, 192, 4, 2), (6, 3, 320, 1, 1))
"""Expansion, kernel, channels out at width 1, number of blocks, stride of the first."""


class MnasNet(nn.Module):
    """[N, 3, H, W] → logits [N, classes]. H, W: any, 224 as published.

    width: of the layers before the head, which keeps 1280 channels; channels are rounded to multiples of 8. At 1.0:
    4.38 M parameters, 314 M MACs.
    """

    def __init__(self, width: float = 1.0, classes: int = 1000) -> None:
        super().__init__()
        stem, channels = make_divisible(32 * width), make_divisible(16 * width)
        self.stem = nn.Sequential(
            ConvNorm(3, stem, 3, 2, padding="same", eps=_EPS),
            Depthwise(stem, 3, padding="same", eps=_EPS),
            Pointwise(stem, channels, activation=None, eps=_EPS),
        )
        blocks: list[nn.Module] = []
        for expansion, kernel, out, count, stride in _STAGES:
            wide = make_divisible(out * width)
            for index in range(count):
                first = stride if index == 0 else 1
                blocks.append(
                    InvertedResidual(
                        channels,
                        wide,
                        channels * expansion,
                        kernel,
                        first,
                        padding="same",
                        activation=nn.ReLU,
                        eps=_EPS,
                    )
                )
                channels = wide
        self.blocks = nn.Sequential(*blocks)
        self.head = Pointwise(channels, 1280, eps=_EPS)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(1280, classes)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        features = self.pool(self.head(self.blocks(self.stem(input))))
        logits: Tensor = self.classifier(features.flatten(1))
        return logits
