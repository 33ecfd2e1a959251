"""Pointwise convolution: channels, not positions."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from .convolution import ConvNorm

__all__ = ["Pointwise"]


class Pointwise(ConvNorm):
    """1×1 convolution: mixes channels, not positions. [N, C_in, …] → [N, C_out, …].

    Parameters C_in·C_out + 2·C_out; MACs C_in·C_out·P.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        activation: Callable[[], nn.Module] | None = nn.ReLU,
        eps: float = 1e-5,
        dimensions: int = 2,
    ) -> None:
        super().__init__(channels_in, channels_out, 1, activation=activation, eps=eps, dimensions=dimensions)
