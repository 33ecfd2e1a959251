"""Depthwise convolution: positions, not channels."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from .convolution import ConvNorm
from .padding import Padding

__all__ = ["Depthwise"]


class Depthwise(ConvNorm):
    """One filter a channel, or `multiplier` of them: mixes positions, not channels.

    [N, C, …] → [N, C·multiplier, …]. Parameters k·C·multiplier + 2·C·multiplier; MACs k·C·multiplier·P.
    """

    def __init__(
        self,
        channels: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        multiplier: int = 1,
        dilation: int = 1,
        padding: Padding = "centred",
        activation: Callable[[], nn.Module] | None = nn.ReLU,
        eps: float = 1e-5,
        dimensions: int = 2,
    ) -> None:
        super().__init__(
            channels,
            channels * multiplier,
            kernel,
            stride,
            dilation=dilation,
            groups=channels,
            padding=padding,
            activation=activation,
            eps=eps,
            dimensions=dimensions,
        )
