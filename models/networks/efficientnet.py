"""EfficientNet-B0: Tan and Le 2019, arXiv:1905.11946, table 1.

The epsilon and the SAME padding are those of the authors' code, as its checkpoints want them.
"""

from __future__ import annotations

from torch import Tensor, nn

from ..layers import ConvNorm, InvertedResidual, Pointwise, SqueezeExcite

__all__ = ["EfficientNetB0"]

_EPS = 1e-3

_STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)
"""Expansion, kernel, channels out, number of blocks, stride of the first."""


class EfficientNetB0(nn.Module):
    """[N, 3, H, W] → logits [N, classes]. H, W: any, 224 as published. 5.29 M parameters, 386 M MACs."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 32, 3, 2, padding="same", activation=nn.SiLU, eps=_EPS)
        blocks: list[nn.Module] = []
        channels = 32
        for expansion, kernel, out, count, stride in _STAGES:
            for index in range(count):
                blocks.append(_MBConv(channels, out, channels * expansion, kernel, stride if index == 0 else 1))
                channels = out
        self.blocks = nn.Sequential(*blocks)
        self.head = Pointwise(channels, 1280, activation=nn.SiLU, eps=_EPS)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(1280, classes)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        features = self.pool(self.head(self.blocks(self.stem(input))))
        logits: Tensor = self.classifier(features.flatten(1))
        return logits


class _MBConv(InvertedResidual):
    """An inverted residual with swish, its squeeze-excitation a quarter of the *block's* input wide, not of E."""

    def __init__(self, channels_in: int, channels_out: int, expanded: int, kernel: int, stride: int) -> None:
        super().__init__(
            channels_in, channels_out, expanded, kernel, stride, padding="same", activation=nn.SiLU, eps=_EPS
        )
        self.squeeze_excite = SqueezeExcite(expanded, channels_in // 4, activation=nn.SiLU, gate=nn.Sigmoid)
