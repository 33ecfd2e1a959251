"""MobileNetV2-SSDLite for detection: Sandler et al. 2018, arXiv:1801.04381, section 6.2.

Which layers are read, what is put behind them, SAME padding and an epsilon of 0.001 are those of the authors' code
(TensorFlow models, `research/object_detection`, `ssdlite_mobilenet_v2_coco.config`). `anchors.ssd_anchors` and
`boxes.detections` make boxes of the outputs, on the host.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..layers import ConvNorm, Depthwise, InvertedResidual, Pointwise
from .mobilenet_v2 import mobilenet_v2_blocks

__all__ = ["SSDLite"]

_EPS = 1e-3
_WIDE = 13
"""Block whose expansion, 576 channels at a sixteenth of the input's size, the first predictor reads."""

_EXTRA = (512, 256, 256, 128)
"""Channels of the maps that follow the backbone's last, each half as high and wide as the one before."""


class SSDLite(nn.Module):
    """[N, 3, H, W] → offsets [N, A, 4] and logits [N, A, classes]. H, W: 300 as published, which makes A = 1917.

    classes: 91, COCO's numbers, 0 the background. offsets: (y, x, height, width), as `boxes.decode` takes them.
    Anchors are in the order of maps, rows, columns, shapes.
    """

    def __init__(self, classes: int = 91) -> None:
        super().__init__()
        self.classes = classes
        self.stem = ConvNorm(3, 32, 3, 2, padding="same", activation=nn.ReLU6, eps=_EPS)
        blocks = mobilenet_v2_blocks(padding="same", eps=_EPS)
        self.before, self.wide, self.after = blocks[:_WIDE], blocks[_WIDE], blocks[_WIDE + 1 :]
        self.head = Pointwise(320, 1280, activation=nn.ReLU6, eps=_EPS)
        channels = [576, 1280, *_EXTRA]
        self.extra = nn.ModuleList(
            _halving(channels_in, out) for channels_in, out in zip(channels[1:], _EXTRA, strict=False)
        )
        shapes = [3, *[6] * (len(channels) - 1)]
        self.offsets = nn.ModuleList(
            _predictor(width, 4 * count) for width, count in zip(channels, shapes, strict=True)
        )
        self.logits = nn.ModuleList(
            _predictor(width, classes * count) for width, count in zip(channels, shapes, strict=True)
        )

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:  # noqa: A002  the name of the graph's input
        wide, values = _expansion_and_output(self.wide, self.before(self.stem(input)))
        maps = [wide, self.head(self.after(values))]
        for layer in self.extra:
            maps.append(layer(maps[-1]))
        return _by_anchor(self.offsets, maps, 4), _by_anchor(self.logits, maps, self.classes)


def _by_anchor(predictors: nn.ModuleList, maps: list[Tensor], length: int) -> Tensor:
    """Each map's predictions, [N, shapes·length, H, W], as [N, H·W·shapes, length]; all maps' behind one another."""
    rows = [predictor(values).permute(0, 2, 3, 1) for predictor, values in zip(predictors, maps, strict=True)]
    return torch.cat([row.reshape(row.shape[0], -1, length) for row in rows], dim=1)


def _expansion_and_output(block: nn.Module, values: Tensor) -> tuple[Tensor, Tensor]:
    if not isinstance(block, InvertedResidual) or block.expand is None:
        raise TypeError("the first predictor reads the expansion of an inverted residual")
    wide = block.expand(values)
    output = block.project(block.depthwise(wide))
    return wide, values + output if block.adds else output


def _halving(channels_in: int, channels_out: int) -> nn.Sequential:
    half = channels_out // 2
    return nn.Sequential(
        Pointwise(channels_in, half, activation=nn.ReLU6, eps=_EPS),
        Depthwise(half, 3, 2, padding="same", activation=nn.ReLU6, eps=_EPS),
        Pointwise(half, channels_out, activation=nn.ReLU6, eps=_EPS),
    )


def _predictor(channels: int, values: int) -> nn.Sequential:
    """SSDLite's: a depthwise 3×3 layer and a pointwise one in place of a standard 3×3."""
    return nn.Sequential(
        Depthwise(channels, 3, padding="same", activation=nn.ReLU6, eps=_EPS), nn.Conv2d(channels, values, 1)
    )
