"""MobileNetV4's convolutional networks: Qin et al. 2024, arXiv:2404.10518, tables 11 to 13.

The rows, the epsilon and the SAME padding are those of the authors' code (TensorFlow Model Garden,
`official/vision/modeling/backbones/mobilenet.py`).
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from ..layers import ConvNorm, Depthwise, Pointwise, make_divisible

__all__ = ["MobileNetV4", "conv_large", "conv_medium", "conv_small"]

_EPS = 1e-3


class _Conv(NamedTuple):
    """Convolution, normalisation, ReLU."""

    out: int
    kernel: int
    stride: int


class _Fused(NamedTuple):
    """3×3 convolution to four times the channels, linear pointwise: the fused inverted bottleneck."""

    out: int
    stride: int


class _Universal(NamedTuple):
    """The universal inverted bottleneck. start, middle: kernels of the depthwise layers before and behind the
    expansion, 0 for none. Of the paper's four: none and middle is the inverted bottleneck, start and none ConvNext,
    both ExtraDW, none and none a feed-forward layer."""

    start: int
    middle: int
    out: int
    expansion: int
    stride: int = 1


_Row = _Conv | _Fused | _Universal

_SMALL: tuple[_Row, ...] = (
    _Conv(32, 3, 2),
    _Conv(32, 3, 2),
    _Conv(32, 1, 1),
    _Conv(96, 3, 2),
    _Conv(64, 1, 1),
    _Universal(5, 5, 96, 3, 2),
    *(_Universal(0, 3, 96, 2),) * 4,
    _Universal(3, 0, 96, 4),
    _Universal(3, 3, 128, 6, 2),
    _Universal(5, 5, 128, 4),
    _Universal(0, 5, 128, 4),
    _Universal(0, 5, 128, 3),
    *(_Universal(0, 3, 128, 4),) * 2,
)

_MEDIUM: tuple[_Row, ...] = (
    _Conv(32, 3, 2),
    _Fused(48, 2),
    _Universal(3, 5, 80, 4, 2),
    _Universal(3, 3, 80, 2),
    _Universal(3, 5, 160, 6, 2),
    *(_Universal(3, 3, 160, 4),) * 2,
    _Universal(3, 5, 160, 4),
    _Universal(3, 3, 160, 4),
    _Universal(3, 0, 160, 4),
    _Universal(0, 0, 160, 2),
    _Universal(3, 0, 160, 4),
    _Universal(5, 5, 256, 6, 2),
    _Universal(5, 5, 256, 4),
    *(_Universal(3, 5, 256, 4),) * 2,
    _Universal(0, 0, 256, 4),
    _Universal(3, 0, 256, 4),
    _Universal(3, 5, 256, 2),
    _Universal(5, 5, 256, 4),
    *(_Universal(0, 0, 256, 4),) * 2,
    _Universal(5, 0, 256, 2),
)

_LARGE: tuple[_Row, ...] = (
    _Conv(24, 3, 2),
    _Fused(48, 2),
    _Universal(3, 5, 96, 4, 2),
    _Universal(3, 3, 96, 4),
    _Universal(3, 5, 192, 4, 2),
    *(_Universal(3, 3, 192, 4),) * 3,
    _Universal(3, 5, 192, 4),
    *(_Universal(5, 3, 192, 4),) * 5,
    _Universal(3, 0, 192, 4),
    _Universal(5, 5, 512, 4, 2),
    *(_Universal(5, 5, 512, 4),) * 3,
    _Universal(5, 0, 512, 4),
    _Universal(5, 3, 512, 4),
    *(_Universal(5, 0, 512, 4),) * 2,
    _Universal(5, 3, 512, 4),
    _Universal(5, 5, 512, 4),
    *(_Universal(5, 0, 512, 4),) * 3,
)


class UniversalInvertedBottleneck(nn.Module):
    """(Depthwise,) pointwise to the expanded channels, (depthwise,) linear pointwise; the input added where it fits.

    [N, C_in, H, W] → [N, C_out, H/stride, W/stride]. The stride is the last depthwise layer's. Only the expansion and
    the depthwise layer behind it have an activation, ReLU. Parameters, E expanded channels, k and l positions of the
    kernels: C_in·k + E·(C_in + l + C_out), and 2 a normalised channel. Qin et al. 2024, section 3.
    """

    def __init__(self, channels_in: int, row: _Universal) -> None:
        super().__init__()
        expanded = make_divisible(channels_in * row.expansion)
        self.adds = row.stride == 1 and channels_in == row.out
        self.start = None
        if row.start:
            stride = 1 if row.middle else row.stride
            self.start = Depthwise(channels_in, row.start, stride, padding="same", activation=None, eps=_EPS)
        self.expand = Pointwise(channels_in, expanded, eps=_EPS)
        self.middle = Depthwise(expanded, row.middle, row.stride, padding="same", eps=_EPS) if row.middle else None
        self.project = Pointwise(expanded, row.out, activation=None, eps=_EPS)

    def forward(self, values: Tensor) -> Tensor:
        wide = self.expand(values if self.start is None else self.start(values))
        narrow: Tensor = self.project(wide if self.middle is None else self.middle(wide))
        return values + narrow if self.adds else narrow


class MobileNetV4(nn.Module):
    """[N, 3, H, W] → logits [N, classes]. H, W: any; as published 224 (small), 256 (medium), 384 (large)."""

    def __init__(self, rows: tuple[_Row, ...], classes: int = 1000) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = 3
        for row in rows:
            blocks.append(_block(channels, row))
            channels = row.out
        self.blocks = nn.Sequential(*blocks)
        self.head = Pointwise(channels, 960, eps=_EPS)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.widen = Pointwise(960, 1280, eps=_EPS)
        self.classifier = nn.Linear(1280, classes)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        features = self.widen(self.pool(self.head(self.blocks(input))))
        logits: Tensor = self.classifier(features.flatten(1))
        return logits


def conv_small() -> MobileNetV4:
    """3.77 M parameters, 0.18 G MACs at 224."""
    return MobileNetV4(_SMALL)


def conv_medium() -> MobileNetV4:
    """9.72 M parameters, 1.08 G MACs at 256."""
    return MobileNetV4(_MEDIUM)


def conv_large() -> MobileNetV4:
    """32.59 M parameters, 6.35 G MACs at 384."""
    return MobileNetV4(_LARGE)


def _block(channels_in: int, row: _Row) -> nn.Module:
    if isinstance(row, _Conv):
        return ConvNorm(channels_in, row.out, row.kernel, row.stride, padding="same", eps=_EPS)
    if isinstance(row, _Universal):
        return UniversalInvertedBottleneck(channels_in, row)
    return nn.Sequential(
        ConvNorm(channels_in, 4 * channels_in, 3, row.stride, padding="same", eps=_EPS),
        Pointwise(4 * channels_in, row.out, activation=None, eps=_EPS),
    )
