"""ShuffleNetV2: Ma et al. 2018, arXiv:1807.11164, table 5 and figure 3."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..layers import ConvNorm, Depthwise, Pointwise

__all__ = ["ShuffleNetV2", "shuffle"]

_CHANNELS = {0.5: (48, 96, 192, 1024), 1.0: (116, 232, 464, 1024), 1.5: (176, 352, 704, 1024)}
"""Width → channels of the three stages and of the head."""

_BLOCKS = (4, 8, 4)


class ShuffleNetV2(nn.Module):
    """[N, 3, H, W] → logits [N, classes]. H, W: any, 224 as published.

    width: 0.5, 1.0 or 1.5, as published (KeyError otherwise). At 1.0: 2.28 M parameters, 145 M MACs.
    """

    def __init__(self, width: float = 1.0, classes: int = 1000) -> None:
        super().__init__()
        *stages, head = _CHANNELS[width]
        self.stem = nn.Sequential(ConvNorm(3, 24, 3, 2), nn.MaxPool2d(3, 2, padding=1))
        blocks: list[nn.Module] = []
        channels = 24
        for out, count in zip(stages, _BLOCKS, strict=True):
            blocks.append(_Down(channels, out))
            blocks.extend(_Unit(out) for _ in range(count - 1))
            channels = out
        self.blocks = nn.Sequential(*blocks)
        self.head = Pointwise(channels, head)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(head, classes)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  the name of the graph's input
        features = self.pool(self.head(self.blocks(self.stem(input))))
        logits: Tensor = self.classifier(features.flatten(1))
        return logits


class _Unit(nn.Module):
    """Half of the channels go on as they are, half through pointwise, depthwise and pointwise; then all are shuffled.

    [N, C, H, W] → the same, C even.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = _branch(channels // 2, channels // 2, 1)

    def forward(self, values: Tensor) -> Tensor:
        kept, changed = values.chunk(2, dim=1)
        return shuffle(torch.cat((kept, self.branch(changed)), dim=1))


class _Down(nn.Module):
    """[N, C_in, H, W] → [N, C_out, H/2, W/2]: two branches that each read all channels and give half of C_out."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.shortcut = nn.Sequential(
            Depthwise(channels_in, 3, 2, activation=None), Pointwise(channels_in, channels_out // 2)
        )
        self.branch = _branch(channels_in, channels_out // 2, 2)

    def forward(self, values: Tensor) -> Tensor:
        return shuffle(torch.cat((self.shortcut(values), self.branch(values)), dim=1))


def shuffle(values: Tensor) -> Tensor:
    """[N, C, H, W] → the same: channels 0, C/2, 1, C/2 + 1, …, so that the next split mixes the two halves."""
    batch, channels, height, width = values.shape
    halves = values.reshape(batch, 2, channels // 2, height, width)
    return halves.transpose(1, 2).reshape(batch, channels, height, width)


def _branch(channels_in: int, channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        Pointwise(channels_in, channels),
        Depthwise(channels, 3, stride, activation=None),
        Pointwise(channels, channels),
    )
