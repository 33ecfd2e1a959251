"""Squeeze-and-excitation: channels weighed by all channels' means."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

__all__ = ["SqueezeExcite"]


class SqueezeExcite(nn.Module):
    """Scales each channel by a number in [0, 1] that all channels' means decide. [N, C, H, W] → the same.

    Parameters 2·C·S + C + S, MACs 2·C·S + C·P for S = `squeezed`. Hu et al. 2018, arXiv:1709.01507, section 3; the
    hard sigmoid is MobileNetV3's.
    """

    def __init__(self, channels: int, squeezed: int, *, gate: Callable[[], nn.Module] = nn.Hardsigmoid) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.activation = nn.ReLU()
        self.expand = nn.Conv2d(squeezed, channels, 1)
        self.gate = gate()

    def forward(self, values: Tensor) -> Tensor:
        scale: Tensor = self.gate(self.expand(self.activation(self.reduce(self.pool(values)))))
        return scale * values
