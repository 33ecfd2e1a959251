"""BlazeFace for faces: Bazarevsky et al. 2019, arXiv:1907.05047, as MediaPipe ships it for close faces.

MediaPipe's network is simpler than the paper's: 3×3 kernels, and single blocks throughout. Its file has the
normalisations folded into biases; here they are, so that it can be trained, with TensorFlow's epsilon.
`anchors.blazeface_anchors` and `boxes.faces` make boxes of the outputs, on the host.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..layers import ConvNorm, DepthwiseSeparable

__all__ = ["BlazeBlock", "BlazeFace"]

_EPS = 1e-3

_NEAR = ((24, 1), (28, 1), (32, 2), (36, 1), (42, 1), (48, 2), (56, 1), (64, 1), (72, 1), (80, 1), (88, 1))
_FAR = ((96, 2), (96, 1), (96, 1), (96, 1), (96, 1))
"""Channels out and stride of each block, up to the first predictor and from there to the second."""

_VALUES = 16
"""Of an anchor: centre and size of its box, six points."""


class BlazeBlock(nn.Module):
    """Depthwise 3×3 and pointwise, normalised; a shortcut beside them; then ReLU.

    [N, C_in, H, W] → [N, C_out, H/stride, W/stride], C_out ≥ C_in. The shortcut gets zeros for the channels that it
    lacks, and a 2×2 max-pool where the stride is 2.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.layer = DepthwiseSeparable(
            channels_in, channels_out, 3, stride, padding="same", between=(), after=("norm",), eps=_EPS
        )
        self.pool = nn.MaxPool2d(2) if stride > 1 else None
        self.lacking = channels_out - channels_in
        self.activation = nn.ReLU()

    def forward(self, values: Tensor) -> Tensor:
        kept = values if self.pool is None else self.pool(values)
        if self.lacking:
            kept = functional.pad(kept, (0, 0, 0, 0, 0, self.lacking))
        result: Tensor = self.activation(self.layer(values) + kept)
        return result


class BlazeFace(nn.Module):
    """[N, 3, 128, 128] → values [N, 896, 16] and logits [N, 896, 1], as `boxes.faces` takes them.

    512 anchors on 16×16 positions, two each, then 384 on 8×8, six each. 101 k parameters, 31 M MACs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 24, 5, 2, padding="same", eps=_EPS)
        self.near = _blocks(24, _NEAR)
        self.far = _blocks(88, _FAR)
        self.near_values, self.far_values = nn.Conv2d(88, 2 * _VALUES, 1), nn.Conv2d(96, 6 * _VALUES, 1)
        self.near_logits, self.far_logits = nn.Conv2d(88, 2, 1), nn.Conv2d(96, 6, 1)

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:  # noqa: A002  the name of the graph's input
        near = self.near(self.stem(input))
        far = self.far(near)
        values = torch.cat([_rows(self.near_values(near), _VALUES), _rows(self.far_values(far), _VALUES)], dim=1)
        return values, torch.cat([_rows(self.near_logits(near), 1), _rows(self.far_logits(far), 1)], dim=1)


def _blocks(channels: int, rows: tuple[tuple[int, int], ...]) -> nn.Sequential:
    blocks: list[nn.Module] = []
    for out, stride in rows:
        blocks.append(BlazeBlock(channels, out, stride))
        channels = out
    return nn.Sequential(*blocks)


def _rows(values: Tensor, length: int) -> Tensor:
    """[N, shapes·length, H, W] → [N, H·W·shapes, length]."""
    return values.permute(0, 2, 3, 1).reshape(values.shape[0], -1, length)
