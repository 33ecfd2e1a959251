"""MobileNetV3: Howard et al. 2019, arXiv:1905.02244, tables 1 (large) and 2 (small)."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from ..layers import ConvNorm, InvertedResidual, Pointwise, make_divisible

__all__ = ["MobileNetV3", "mobilenet_v3_large", "mobilenet_v3_small"]

_EPS = 1e-3


class _Block(NamedTuple):
    kernel: int
    expanded: int
    out: int
    squeezes: bool
    hard_swish: bool
    stride: int


_LARGE = (
    _Block(3, 16, 16, False, False, 1),
    _Block(3, 64, 24, False, False, 2),
    _Block(3, 72, 24, False, False, 1),
    _Block(5, 72, 40, True, False, 2),
    _Block(5, 120, 40, True, False, 1),
    _Block(5, 120, 40, True, False, 1),
    _Block(3, 240, 80, False, True, 2),
    _Block(3, 200, 80, False, True, 1),
    _Block(3, 184, 80, False, True, 1),
    _Block(3, 184, 80, False, True, 1),
    _Block(3, 480, 112, True, True, 1),
    _Block(3, 672, 112, True, True, 1),
    _Block(5, 672, 160, True, True, 2),
    _Block(5, 960, 160, True, True, 1),
    _Block(5, 960, 160, True, True, 1),
)

_SMALL = (
    _Block(3, 16, 16, True, False, 2),
    _Block(3, 72, 24, False, False, 2),
    _Block(3, 88, 24, False, False, 1),
    _Block(5, 96, 40, True, True, 2),
    _Block(5, 240, 40, True, True, 1),
    _Block(5, 240, 40, True, True, 1),
    _Block(5, 120, 48, True, True, 1),
    _Block(5, 144, 48, True, True, 1),
    _Block(5, 288, 96, True, True, 2),
    _Block(5, 576, 96, True, True, 1),
    _Block(5, 576, 96, True, True, 1),
)


class MobileNetV3(nn.Module):
    """[N, 3, H, W] → logits [N, classes]. H, W: any, 224 as published.

    blocks: rows of the paper's table. wide: channels of the first linear layer, after the pooling.
    """

    def __init__(self, blocks: tuple[_Block, ...], wide: int, classes: int = 1000) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 16, 3, 2, activation=nn.Hardswish, eps=_EPS)
        channels = [16, *(block.out for block in blocks)]
        self.blocks = nn.Sequential(
            *(_inverted_residual(channels_in, block) for channels_in, block in zip(channels, blocks, strict=False))
        )
        expanded = 6 * channels[-1]
        self.head = Pointwise(channels[-1], expanded, activation=nn.Hardswish, eps=_EPS)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.widen = nn.Linear(expanded, wide)
        self.activation = nn.Hardswish()
        self.classifier = nn.Linear(wide, classes)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        features = self.pool(self.head(self.blocks(self.stem(input)))).flatten(1)
        logits: Tensor = self.classifier(self.activation(self.widen(features)))
        return logits


def mobilenet_v3_large() -> MobileNetV3:
    """5.48 M parameters, 217 M MACs."""
    return MobileNetV3(_LARGE, 1280)


def mobilenet_v3_small() -> MobileNetV3:
    """2.54 M parameters, 57 M MACs."""
    return MobileNetV3(_SMALL, 1024)


def _inverted_residual(channels_in: int, block: _Block) -> InvertedResidual:
    return InvertedResidual(
        channels_in,
        block.out,
        block.expanded,
        block.kernel,
        block.stride,
        squeezed=make_divisible(block.expanded / 4) if block.squeezes else 0,
        activation=nn.Hardswish if block.hard_swish else nn.ReLU,
        eps=_EPS,
    )
