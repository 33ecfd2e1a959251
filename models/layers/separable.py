"""Depthwise, then pointwise: MobileNet's order, Xception's, and what lies between."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import Tensor, nn

from .arguments import Follows, PerAxis, check_follows
from .depthwise import Depthwise
from .facts import Symbols
from .layer import Activation, Layer, described
from .padding import Padding, PaddingMode
from .pointwise import Pointwise

__all__ = ["DepthwiseSeparable"]


@described(
    parameters="(k + b_1)·C_in·m + (C_in·m/g + b_2)·C_out",
    macs="(k + C_out/g)·C_in·m·P",
    cannot="with nothing between the two, the filters from one input channel to all outputs are combinations of its m "
    "depthwise filters (rank m of a standard layer's C_out×k weights), so that a standard layer fits in exactly only "
    "where m = min(k, C_out)",
    source="Howard et al. 2017, arXiv:1704.04861, section 3.1; Chollet 2017, arXiv:1610.02357, sections 1.2 and 4.7 "
    "(nothing between); the sum of m pairs: Guo et al. 2018, arXiv:1808.05517, section 3",
)
class DepthwiseSeparable(Layer):
    """Depthwise, then pointwise convolution: a standard layer's work at 1/C_out + 1/k of its MACs (m = g = 1).

    [N, C_in, …] → [N, C_out, …]. between, after: what follows the depthwise and the pointwise layer, of "norm" and
    "activation". MobileNet's order has both in both places. Xception's has between=(), after=("norm",), and an
    activation in front of the layer; a detector's head has after=() and a bias. bias: of the pointwise layer where no
    normalisation follows, and of the depthwise one where an activation alone does: otherwise the pointwise layer's
    does its work. groups: of the pointwise layer. multiplier: filters a channel. The rest is `ConvNorm`'s.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: PerAxis = 3,
        stride: PerAxis = 1,
        *,
        multiplier: int = 1,
        dilation: PerAxis = 1,
        groups: int = 1,
        bias: bool = False,
        between: Follows = ("norm", "activation"),
        after: Follows = ("norm", "activation"),
        padding: Padding = "centred",
        padding_mode: PaddingMode = "zeros",
        activation: Activation | None = nn.ReLU,
        eps: float = 1e-5,
        dimensions: int = 2,
    ) -> None:
        super().__init__()
        check_follows(self.name, "between", between)
        check_follows(self.name, "after", after)
        self.dimensions = dimensions
        self.depthwise = Depthwise(
            channels_in,
            kernel,
            stride,
            multiplier=multiplier,
            dilation=dilation,
            bias=bias and between == ("activation",),
            norm="norm" in between,
            padding=padding,
            padding_mode=padding_mode,
            activation=activation if "activation" in between else None,
            eps=eps,
            dimensions=dimensions,
        )
        self.pointwise = Pointwise(
            channels_in * multiplier,
            channels_out,
            groups=groups,
            bias=bias and "norm" not in after,
            norm="norm" in after,
            activation=activation if "activation" in after else None,
            eps=eps,
            dimensions=dimensions,
        )

    def forward(self, values: Tensor) -> Tensor:
        result: Tensor = self.pointwise(self.depthwise(values))
        return result

    def output_size(self, size: Sequence[int]) -> tuple[int, ...]:
        return self.depthwise.output_size(size)

    def symbols(self, size: Sequence[int]) -> Symbols:
        channels_in = self.depthwise.conv.in_channels
        return {
            "k": self.depthwise.window.taps,
            "C_in": channels_in,
            "m": self.depthwise.conv.out_channels // channels_in,
            "C_out": self.pointwise.conv.out_channels,
            "g": self.pointwise.conv.groups,
            "b_1": self.depthwise.beside,
            "b_2": self.pointwise.beside,
            "P": prod(self.output_size(size)),
        }
