"""MobileNetV2's block, and V3's with squeeze-and-excitation."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import Tensor, nn

from .arguments import PerAxis
from .depthwise import Depthwise
from .facts import Symbols
from .layer import Activation, Layer, described
from .padding import Padding, PaddingMode
from .pointwise import Pointwise
from .squeeze_excite import SqueezeExcite

__all__ = ["InvertedResidual"]


@described(
    parameters="e·(C_in + 2)·E + (k + 2)·E + (E + 2)·C_out + q·(2·E·S + E + S)",
    macs="e·C_in·E·P_in + (k + C_out)·E·P + q·2·E·S",
    cannot="what passes from block to block is a linear function of E channels squeezed into C_out: whatever needs "
    "more channels at once is lost between blocks",
    source="Sandler et al. 2018, arXiv:1801.04381, sections 3.2 and 3.3; with squeeze-excite: Howard et al. 2019, "
    "arXiv:1905.02244, section 5.3",
)
class InvertedResidual(Layer):
    """Pointwise to `expanded` channels, depthwise, (squeeze-excite,) linear pointwise; the input added where it fits.

    [N, C_in, …] → [N, C_out, …]. No expansion layer where `expanded` equals C_in. The input is added where the block
    keeps both the channels and the size. squeezed: channels of the squeeze-excite, 0 for none; gate: its last function.
    The rest is `ConvNorm`'s, for the depthwise layer.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        expanded: int,
        kernel: PerAxis = 3,
        stride: PerAxis = 1,
        *,
        squeezed: int = 0,
        gate: Activation = nn.Hardsigmoid,
        dilation: PerAxis = 1,
        padding: Padding = "centred",
        padding_mode: PaddingMode = "zeros",
        activation: Activation = nn.ReLU6,
        eps: float = 1e-5,
        dimensions: int = 2,
    ) -> None:
        super().__init__()
        self.dimensions = dimensions
        self.expand = None
        if expanded != channels_in:
            self.expand = Pointwise(channels_in, expanded, activation=activation, eps=eps, dimensions=dimensions)
        self.depthwise = Depthwise(
            expanded,
            kernel,
            stride,
            dilation=dilation,
            padding=padding,
            padding_mode=padding_mode,
            activation=activation,
            eps=eps,
            dimensions=dimensions,
        )
        self.squeeze_excite = SqueezeExcite(expanded, squeezed, gate=gate, dimensions=dimensions) if squeezed else None
        self.project = Pointwise(expanded, channels_out, activation=None, eps=eps, dimensions=dimensions)
        self.adds = channels_in == channels_out and self.depthwise.window.keeps_size()

    def forward(self, values: Tensor) -> Tensor:
        wide = values if self.expand is None else self.expand(values)
        wide = self.depthwise(wide)
        if self.squeeze_excite is not None:
            wide = self.squeeze_excite(wide)
        narrow: Tensor = self.project(wide)
        return values + narrow if self.adds else narrow

    def output_size(self, size: Sequence[int]) -> tuple[int, ...]:
        return self.depthwise.output_size(size)

    def symbols(self, size: Sequence[int]) -> Symbols:
        first = self.depthwise if self.expand is None else self.expand
        squeezing = self.squeeze_excite
        return {
            "k": self.depthwise.window.taps,
            "C_in": first.conv.in_channels,
            "E": self.depthwise.conv.in_channels,
            "C_out": self.project.conv.out_channels,
            "S": 0 if squeezing is None else squeezing.reduce.out_channels,
            "e": int(self.expand is not None),
            "q": int(squeezing is not None),
            "P_in": prod(size),
            "P": prod(self.output_size(size)),
        }
