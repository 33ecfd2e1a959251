"""X3D-XS for video, separable in 3-D: Feichtenhofer 2020, arXiv:2004.04730, table 1 expanded as in section 4.

Widths and depths are those of the authors' code (PyTorchVideo, `models/x3d.py`).
"""

from __future__ import annotations

from torch import Tensor, nn

from ..layers import ConvNorm, Depthwise, Pointwise, SqueezeExcite, make_divisible

__all__ = ["X3D"]

_STAGES = ((24, 3), (48, 5), (96, 11), (192, 7))
"""Channels out and number of blocks. The first block of each halves height and width; no layer shortens time."""

_BOTTLENECK = 2.25


class X3D(nn.Module):
    """[N, 3, T, H, W] → logits [N, classes]. T, H, W: any; as published 4 frames, a twelfth of a video's, of 160×160.

    3.79 M parameters, 605 M MACs. The logits are before the softmax, which the authors' code takes in evaluation.
    """

    def __init__(self, classes: int = 400) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            ConvNorm(3, 24, (1, 3, 3), (1, 2, 2), norm=False, activation=None, dimensions=3),
            Depthwise(24, (5, 1, 1), dimensions=3),
        )
        blocks: list[nn.Module] = []
        channels = 24
        for out, count in _STAGES:
            for index in range(count):
                blocks.append(_Bottleneck(channels, out, 2 if index == 0 else 1, squeezes=index % 2 == 0))
                channels = out
        self.blocks = nn.Sequential(*blocks)
        wide = int(_BOTTLENECK * channels)
        self.head = Pointwise(channels, wide, dimensions=3)
        self.pool = nn.AdaptiveAvgPool3d(1)
        self.widen = nn.Conv3d(wide, 2048, 1, bias=False)
        self.activation = nn.ReLU()
        self.classifier = nn.Linear(2048, classes)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        features = self.activation(self.widen(self.pool(self.head(self.blocks(self.stem(input))))))
        logits: Tensor = self.classifier(features.flatten(1))
        return logits


class _Bottleneck(nn.Module):
    """Pointwise, depthwise 3×3×3, (squeeze-excite,) swish, linear pointwise; a shortcut; then ReLU."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, *, squeezes: bool) -> None:
        super().__init__()
        wide, strides = int(_BOTTLENECK * channels_out), (1, stride, stride)
        layers: list[nn.Module] = [
            Pointwise(channels_in, wide, dimensions=3),
            Depthwise(wide, 3, strides, activation=None, dimensions=3),
        ]
        if squeezes:
            squeezed = make_divisible(wide / 16)
            layers.append(SqueezeExcite(wide, squeezed, gate=nn.Sigmoid, dimensions=3))
        layers += [nn.SiLU(), Pointwise(wide, channels_out, activation=None, dimensions=3)]
        self.layers = nn.Sequential(*layers)
        self.shortcut = None
        if stride > 1:
            # The authors normalise the shortcut only where the channels change.
            changes = channels_in != channels_out
            self.shortcut = ConvNorm(channels_in, channels_out, 1, strides, norm=changes, activation=None, dimensions=3)
        self.activation = nn.ReLU()

    def forward(self, values: Tensor) -> Tensor:
        kept = values if self.shortcut is None else self.shortcut(values)
        result: Tensor = self.activation(self.layers(values) + kept)
        return result
