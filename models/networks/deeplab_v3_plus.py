"""DeepLabV3+ on MobileNetV2: Chen et al. 2018, arXiv:1802.02611, figure 2, with separable pyramid and decoder.

Backbone, SAME padding and an epsilon of 0.001 are those of the authors' code (TensorFlow models, `research/deeplab`),
whose DeepLabV3 on MobileNetV2 is Sandler et al.'s (2018, arXiv:1801.04381, table 7).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..layers import ConvNorm, DepthwiseSeparable, InvertedResidual, Pointwise, SeparableASPP
from .mobilenet_v2 import mobilenet_v2_blocks

__all__ = ["DeepLabV3Plus"]

_EPS = 1e-3
_LOW = 2
"""Block whose depthwise layer's output, 144 channels at a quarter of the input's size, the decoder reads."""


class DeepLabV3Plus(nn.Module):
    """[N, 3, H, W] → logits [N, classes, H, W], bilinearly from a quarter of that. H, W: 513 as published.

    classes: 21, PASCAL VOC's, 0 the background.
    """

    def __init__(self, classes: int = 21) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 32, 3, 2, padding="same", activation=nn.ReLU6, eps=_EPS)
        blocks = mobilenet_v2_blocks(output_stride=16, padding="same", eps=_EPS)
        self.before, self.low, self.after = blocks[:_LOW], blocks[_LOW], blocks[_LOW + 1 :]
        self.pyramid = SeparableASPP(320, 256, (6, 12, 18), eps=_EPS)
        self.decoder = _Decoder()
        self.classifier = nn.Conv2d(256, classes, 1)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        values = self.before(self.stem(input))
        low, values = _depthwise_and_output(self.low, values)
        features = self.decoder(self.pyramid(self.after(values)), low)
        return _resized(self.classifier(features), input)


class _Decoder(nn.Module):
    """The pyramid's output enlarged to the size of early features, beside 48 channels of those; two 3×3 layers."""

    def __init__(self) -> None:
        super().__init__()
        self.low = Pointwise(144, 48, eps=_EPS)
        self.layers = nn.Sequential(
            DepthwiseSeparable(256 + 48, 256, padding="same", eps=_EPS),
            DepthwiseSeparable(256, 256, padding="same", eps=_EPS),
        )

    def forward(self, features: Tensor, low: Tensor) -> Tensor:
        narrow = self.low(low)
        result: Tensor = self.layers(torch.cat([_resized(features, narrow), narrow], dim=1))
        return result


def _depthwise_and_output(block: nn.Module, values: Tensor) -> tuple[Tensor, Tensor]:
    if not isinstance(block, InvertedResidual) or block.expand is None:
        raise TypeError("the decoder reads the depthwise layer of an inverted residual with an expansion")
    depthwise = block.depthwise(block.expand(values))
    output = block.project(depthwise)
    return depthwise, values + output if block.adds else output


def _resized(values: Tensor, like: Tensor) -> Tensor:
    # Corners on corners, as the authors have it: sizes are one more than a multiple of the stride.
    return functional.interpolate(values, size=like.shape[2:], mode="bilinear", align_corners=True)
