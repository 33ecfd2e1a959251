"""MobileNetV1 at any width: Howard et al. 2017, arXiv:1704.04861, table 1 and section 3.3."""

from __future__ import annotations

from torch import Tensor, nn

from ..layers import ConvNorm, DepthwiseSeparable

__all__ = ["MobileNetV1"]

_LAYERS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
"""Channels out, at width 1, and stride of each depthwise separable layer."""


class MobileNetV1(nn.Module):
    """[N, 3, H, W] → logits [N, classes]. H, W: any, 224 as published.

    width: the paper's α, in (0, 1]; each layer has that share of its channels, never less than 8. At 1.0: 4.23 M
    parameters, 569 M MACs; the depthwise MACs fall with α, the pointwise ones with α².
    """

    def __init__(self, width: float = 1.0, classes: int = 1000) -> None:
        super().__init__()
        channels = [max(int(out * width), 8) for out in (32, *(out for out, _ in _LAYERS))]
        self.stem = ConvNorm(3, channels[0], 3, 2, activation=nn.ReLU6)
        self.layers = nn.Sequential(
            *(
                DepthwiseSeparable(channels_in, out, 3, stride, activation=nn.ReLU6)
                for channels_in, out, (_, stride) in zip(channels, channels[1:], _LAYERS, strict=False)
            )
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels[-1], classes)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        features = self.pool(self.layers(self.stem(input)))
        logits: Tensor = self.classifier(features.flatten(1))
        return logits
