"""GhostNet: Han et al. 2020, arXiv:1911.11907, table 1 and figures 2 and 3."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..layers import ConvNorm, Depthwise, Pointwise, SqueezeExcite, make_divisible

__all__ = ["Ghost", "GhostNet"]


class _Row(NamedTuple):
    kernel: int
    expanded: int
    out: int
    squeezes: bool
    stride: int


_ROWS = (
    _Row(3, 16, 16, False, 1),
    _Row(3, 48, 24, False, 2),
    _Row(3, 72, 24, False, 1),
    _Row(5, 72, 40, True, 2),
    _Row(5, 120, 40, True, 1),
    _Row(3, 240, 80, False, 2),
    _Row(3, 200, 80, False, 1),
    _Row(3, 184, 80, False, 1),
    _Row(3, 184, 80, False, 1),
    _Row(3, 480, 112, True, 1),
    _Row(3, 672, 112, True, 1),
    _Row(5, 672, 160, True, 2),
    _Row(5, 960, 160, False, 1),
    _Row(5, 960, 160, True, 1),
    _Row(5, 960, 160, False, 1),
    _Row(5, 960, 160, True, 1),
)


class Ghost(nn.Module):
    """Pointwise to half of the channels, and a depthwise layer that makes the other half of those.

    [N, C_in, H, W] → [N, C_out, H, W], C_out even. Parameters C_in·C_out/2 + 9·C_out/2 + 2·C_out; MACs
    (C_in + 9)·C_out/2·P: about half of a pointwise layer's. Han et al. 2020, section 3.1, with s = 2 and d = 3.
    """

    def __init__(self, channels_in: int, channels_out: int, *, activates: bool = True) -> None:
        super().__init__()
        activation = nn.ReLU if activates else None
        self.primary = Pointwise(channels_in, channels_out // 2, activation=activation)
        self.cheap = Depthwise(channels_out // 2, 3, activation=activation)

    def forward(self, values: Tensor) -> Tensor:
        primary = self.primary(values)
        return torch.cat((primary, self.cheap(primary)), dim=1)


class GhostNet(nn.Module):
    """[N, 3, H, W] → logits [N, classes]. H, W: any, 224 as published. 5.18 M parameters, 141 M MACs."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 16, 3, 2)
        channels = [16, *(row.out for row in _ROWS)]
        self.blocks = nn.Sequential(
            *(_Bottleneck(channels_in, row) for channels_in, row in zip(channels, _ROWS, strict=False))
        )
        self.head = Pointwise(160, 960)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.widen = nn.Conv2d(960, 1280, 1)
        self.activation = nn.ReLU()
        self.classifier = nn.Linear(1280, classes)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        features = self.pool(self.head(self.blocks(self.stem(input))))
        logits: Tensor = self.classifier(self.activation(self.widen(features)).flatten(1))
        return logits


class _Bottleneck(nn.Module):
    """Ghost, (strided depthwise,) (squeeze-excite,) linear ghost; a shortcut: the identity, or a separable layer."""

    def __init__(self, channels_in: int, row: _Row) -> None:
        super().__init__()
        layers: list[nn.Module] = [Ghost(channels_in, row.expanded)]
        if row.stride > 1:
            layers.append(Depthwise(row.expanded, row.kernel, row.stride, activation=None))
        if row.squeezes:
            layers.append(SqueezeExcite(row.expanded, make_divisible(row.expanded / 4, 4)))
        self.layers = nn.Sequential(*layers, Ghost(row.expanded, row.out, activates=False))
        self.shortcut = None
        if row.stride > 1 or channels_in != row.out:
            self.shortcut = nn.Sequential(
                Depthwise(channels_in, row.kernel, row.stride, activation=None),
                Pointwise(channels_in, row.out, activation=None),
            )

    def forward(self, values: Tensor) -> Tensor:
        result: Tensor = self.layers(values) + (values if self.shortcut is None else self.shortcut(values))
        return result
