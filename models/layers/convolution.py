"""Convolution, batch normalisation, activation."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import Tensor, nn

from .arguments import PerAxis, check_groups, check_input
from .by_dimensions import CONVOLUTION, NORM
from .facts import Symbols
from .layer import Activation, Layer, described
from .padding import Padding, PaddingMode, pad
from .window import window

__all__ = ["ConvNorm"]


@described(
    parameters="(k·C_in/g + b)·C_out",
    macs="k·C_in/g·C_out·P",
    cannot="nothing that is linear in its window, and it pays for that with k weights for each pair of channels; in "
    "groups, no mixing of channels of different groups",
    source="Ioffe and Szegedy 2015, arXiv:1502.03167, section 3.2 (normalisation instead of the bias); Krizhevsky et "
    "al. 2012, section 3.2 (groups); Yu and Koltun 2016, arXiv:1511.07122, section 2 (dilation)",
)
class ConvNorm(Layer):
    """Convolution, batch normalisation, activation: what a separable layer is compared with.

    [N, C_in, …] → [N, C_out, …], float; each spatial dimension becomes ⌈size / stride⌉ ("valid" loses the border).
    kernel, stride, dilation, padding: a number, or one a dimension. groups: of channels, that don't see each other.
    bias: of the convolution, which a normalisation makes superfluous. norm: off leaves it out. eps: of the
    normalisation, its source's. activation: a module's class, or None. dimensions: 1, 2 or 3 spatial ones.
    Raises ModelError for arguments that make no layer, and for inputs that the layer can't read.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: PerAxis = 3,
        stride: PerAxis = 1,
        *,
        dilation: PerAxis = 1,
        groups: int = 1,
        bias: bool = False,
        norm: bool = True,
        padding: Padding = "centred",
        padding_mode: PaddingMode = "zeros",
        activation: Activation | None = nn.ReLU,
        eps: float = 1e-5,
        dimensions: int = 2,
    ) -> None:
        super().__init__()
        self.dimensions = dimensions
        self.window = window(self.name, dimensions, kernel, stride, dilation, padding, padding_mode)
        check_groups(self.name, groups, channels_in=channels_in, channels_out=channels_out)
        even = self.window.even_pads
        self.conv = CONVOLUTION[dimensions](
            channels_in,
            channels_out,
            self.window.kernel,
            stride=self.window.stride,
            padding=0 if even is None else even,
            dilation=self.window.dilation,
            groups=groups,
            bias=bias,
            padding_mode=padding_mode,
        )
        self.norm = NORM[dimensions](channels_out, eps=eps) if norm else None
        self.activation = None if activation is None else activation()

    def forward(self, values: Tensor) -> Tensor:
        check_input(self.name, values.shape, self.conv.in_channels, self.dimensions)
        size = values.shape[2:]
        # A symbolic size would get a guard for each check, and torch.fx's stand-ins have none.
        if isinstance(size, tuple) and all(isinstance(length, int) for length in size):
            self.window.output_size(self.name, size)
        if self.window.even_pads is None:
            values = pad(values, self.window.pads(size), self.window.mode)
        values = self.conv(values)
        if self.norm is not None:
            values = self.norm(values)
        return values if self.activation is None else self.activation(values)

    def output_size(self, size: Sequence[int]) -> tuple[int, ...]:
        return self.window.output_size(self.name, size)

    @property
    def beside(self) -> int:
        """Learned numbers a channel beside the weights: b."""
        return 2 * (self.norm is not None) + (self.conv.bias is not None)

    def symbols(self, size: Sequence[int]) -> Symbols:
        return {
            "k": self.window.taps,
            "C_in": self.conv.in_channels,
            "C_out": self.conv.out_channels,
            "g": self.conv.groups,
            "b": self.beside,
            "P": prod(self.output_size(size)),
        }
