"""Pointwise convolution: channels, not positions."""

from __future__ import annotations

from torch import nn

from .arguments import PerAxis
from .convolution import ConvNorm
from .layer import Activation, described

__all__ = ["Pointwise"]


@described(
    parameters="(C_in/g + b)·C_out",
    macs="C_in/g·C_out·P",
    cannot="it doesn't see neighbouring positions: shuffle the positions, and its output is shuffled alike; with a "
    "stride it drops all positions but each stride-th",
    source="Lin et al. 2014, arXiv:1312.4400, section 3.1; in groups: Zhang et al. 2018, arXiv:1707.01083, section 3.1",
)
class Pointwise(ConvNorm):
    """1×1 convolution, a linear layer over channels at every position: mixes channels, not positions.

    [N, C_in, …] → [N, C_out, …]. groups: of channels that don't see each other. The rest is `ConvNorm`'s.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        stride: PerAxis = 1,
        *,
        groups: int = 1,
        bias: bool = False,
        norm: bool = True,
        activation: Activation | None = nn.ReLU,
        eps: float = 1e-5,
        dimensions: int = 2,
    ) -> None:
        super().__init__(
            channels_in,
            channels_out,
            1,
            stride,
            groups=groups,
            bias=bias,
            norm=norm,
            activation=activation,
            eps=eps,
            dimensions=dimensions,
        )
