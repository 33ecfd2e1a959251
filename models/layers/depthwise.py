"""Depthwise convolution: positions, not channels."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from .arguments import PerAxis, check_counts
from .convolution import ConvNorm
from .facts import Symbols
from .layer import Activation, described
from .padding import Padding, PaddingMode

__all__ = ["Depthwise"]


@described(
    parameters="(k + b)·C·m",
    macs="k·C·m·P",
    cannot="it doesn't mix channels (an output channel reads one input channel alone), and changes their number only "
    "by a whole factor; a pointwise layer beside it does both",
    source="Sifre 2014, Rigid-motion scattering for image classification (thesis), section 6.2; Howard et al. 2017, "
    "arXiv:1704.04861, section 3.1; the multiplier's order is that of TensorFlow's depthwise_conv2d",
)
class Depthwise(ConvNorm):
    """One filter a channel, or `multiplier` of them: mixes positions, not channels.

    [N, C, …] → [N, C·multiplier, …]; output channel c·multiplier + j is filter j of input channel c. The rest is
    `ConvNorm`'s. `conv.weight` is [C·multiplier, 1, …].
    """

    def __init__(
        self,
        channels: int,
        kernel: PerAxis = 3,
        stride: PerAxis = 1,
        *,
        multiplier: int = 1,
        dilation: PerAxis = 1,
        bias: bool = False,
        norm: bool = True,
        padding: Padding = "centred",
        padding_mode: PaddingMode = "zeros",
        activation: Activation | None = nn.ReLU,
        eps: float = 1e-5,
        dimensions: int = 2,
    ) -> None:
        check_counts("Depthwise", channels=channels, multiplier=multiplier)
        super().__init__(
            channels,
            channels * multiplier,
            kernel,
            stride,
            dilation=dilation,
            groups=channels,
            bias=bias,
            norm=norm,
            padding=padding,
            padding_mode=padding_mode,
            activation=activation,
            eps=eps,
            dimensions=dimensions,
        )

    def symbols(self, size: Sequence[int]) -> Symbols:
        channels = self.conv.in_channels
        return {**super().symbols(size), "C": channels, "m": self.conv.out_channels // channels}
