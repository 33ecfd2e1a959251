"""MobileNetV2: Sandler et al. 2018, arXiv:1801.04381, table 2."""

from __future__ import annotations

from torch import Tensor, nn

from ..layers import ConvNorm, InvertedResidual, Padding, Pointwise

__all__ = ["MobileNetV2", "mobilenet_v2_blocks"]

_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels out, number of blocks, stride of the first."""


class MobileNetV2(nn.Module):
    """[N, 3, H, W] → logits [N, classes]. H, W: any, 224 as published. 3.50 M parameters, 301 M MACs."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 32, 3, 2, activation=nn.ReLU6)
        self.blocks = mobilenet_v2_blocks()
        self.head = Pointwise(320, 1280, activation=nn.ReLU6)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(1280, classes)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        features = self.pool(self.head(self.blocks(self.stem(input))))
        logits: Tensor = self.classifier(features.flatten(1))
        return logits


def mobilenet_v2_blocks(*, output_stride: int = 32, padding: Padding = "centred", eps: float = 1e-5) -> nn.Sequential:
    """The 17 inverted residuals behind the stem: [N, 32, H, W] → [N, 320, …].

    output_stride: of the whole network, stem included, 32 or 16. Where it is reached, strides become dilation of the
    layers behind them, as in the authors' code (slim, `nets/mobilenet/mobilenet.py`).
    """
    blocks: list[nn.Module] = []
    channels, reached, dilation = 32, 2, 1
    for expansion, out, count, stride in _STAGES:
        for index in range(count):
            wanted = stride if index == 0 else 1
            fits = reached * wanted <= output_stride
            blocks.append(
                InvertedResidual(
                    channels,
                    out,
                    channels * expansion,
                    3,
                    wanted if fits else 1,
                    dilation=dilation,
                    padding=padding,
                    eps=eps,
                )
            )
            channels = out
            reached, dilation = (reached * wanted, dilation) if fits else (reached, dilation * wanted)
    return nn.Sequential(*blocks)
