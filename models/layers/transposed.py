"""Transposed convolution, depthwise and separable: a larger output from a smaller input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

from torch import Tensor, nn

from ...errors import ModelError
from .arguments import (
    Follows,
    PerAxis,
    check_choice,
    check_counts,
    check_dimensions,
    check_follows,
    check_input,
    per_axis,
)
from .by_dimensions import NORM, TRANSPOSED
from .facts import Symbols
from .layer import Activation, Layer, described
from .pointwise import Pointwise

__all__ = ["DepthwiseTransposed", "SeparableTransposed", "TransposedPadding"]

TransposedPadding = Literal["centred", "same", "valid"]
"""How much of the whole result, (size − 1)·stride + dilation·(kernel − 1) + 1 long, is cut off.

centred, same: all but size·stride. Where the rest is odd, centred cuts more before (torch's usual padding and
output_padding: 1 and 1 for kernel 3 and stride 2), same cuts more after (TensorFlow's SAME, the gradient of a SAME
convolution). valid: nothing."""


@dataclass(frozen=True)
class _Cut:
    """Of one dimension. padding, output_padding: torch's. before, after: what must be sliced off still."""

    padding: int
    output_padding: int
    before: int
    after: int


def _cut(padding: TransposedPadding, kernel: int, stride: int, dilation: int) -> _Cut:
    excess = dilation * (kernel - 1) + 1 - stride
    if padding == "valid":
        return _Cut(0, 0, 0, 0)
    if excess <= 0:
        return _Cut(0, -excess, 0, 0)
    half, odd = divmod(excess, 2)
    if padding == "same":
        return _Cut(half, 0, 0, odd)
    if odd and max(stride, dilation) > 1:  # torch takes an output padding below one of them
        return _Cut(half + 1, 1, 0, 0)
    return _Cut(half, 0, odd, 0)


@described(
    parameters="(k + b)·C·m",
    macs="k·C·m·P_in",
    cannot="it doesn't mix channels; where the kernel is no multiple of the stride, output positions get unequal "
    "numbers of products, which shows as a checkerboard (Odena et al. 2016, Distill, doi:10.23915/distill.00003)",
    source="Dumoulin and Visin 2016, arXiv:1603.07285, chapter 4; depthwise: Wofk et al. 2019, arXiv:1903.03273, "
    "section III-B",
)
class DepthwiseTransposed(Layer):
    """Transposed convolution of each channel by itself, batch normalisation, activation.

    [N, C, …] → [N, C·multiplier, …], each spatial dimension `stride` times as long ("valid":
    (size − 1)·stride + dilation·(kernel − 1) + 1). conv.weight: [C, multiplier, …]. padding: see `TransposedPadding`;
    what lies around the input is always zeros. The rest is `ConvNorm`'s.
    """

    def __init__(
        self,
        channels: int,
        kernel: PerAxis = 3,
        stride: PerAxis = 2,
        *,
        multiplier: int = 1,
        dilation: PerAxis = 1,
        bias: bool = False,
        norm: bool = True,
        padding: TransposedPadding = "centred",
        activation: Activation | None = nn.ReLU,
        eps: float = 1e-5,
        dimensions: int = 2,
    ) -> None:
        super().__init__()
        check_dimensions(self.name, dimensions)
        check_counts(self.name, channels=channels, multiplier=multiplier)
        check_choice(self.name, "padding", padding, TransposedPadding)
        self.dimensions = dimensions
        self.kernel = per_axis(self.name, "kernel", kernel, dimensions)
        self.stride = per_axis(self.name, "stride", stride, dimensions)
        self.dilation = per_axis(self.name, "dilation", dilation, dimensions)
        self.cuts = tuple(_cut(padding, *axis) for axis in zip(self.kernel, self.stride, self.dilation, strict=True))
        self.conv = TRANSPOSED[dimensions](
            channels,
            channels * multiplier,
            self.kernel,
            stride=self.stride,
            padding=tuple(cut.padding for cut in self.cuts),
            output_padding=tuple(cut.output_padding for cut in self.cuts),
            dilation=self.dilation,
            groups=channels,
            bias=bias,
        )
        self.norm = NORM[dimensions](channels * multiplier, eps=eps) if norm else None
        self.activation = None if activation is None else activation()

    def forward(self, values: Tensor) -> Tensor:
        check_input(self.name, values.shape, self.conv.in_channels, self.dimensions)
        values = self.conv(values)
        if self.training:  # the batch's statistics are those of the output
            values = self._sliced(values)
        if self.norm is not None:
            values = self.norm(values)
        if self.activation is not None:
            values = self.activation(values)
        # Elsewhere behind both, which is the same: nothing stands between the convolution and what folds into it.
        return values if self.training else self._sliced(values)

    def _sliced(self, values: Tensor) -> Tensor:
        for axis, cut in enumerate(self.cuts, start=2):
            if cut.before or cut.after:
                values = values.narrow(axis, cut.before, values.shape[axis] - cut.before - cut.after)
        return values

    def output_size(self, size: Sequence[int]) -> tuple[int, ...]:
        found = []
        for axis, (length, cut) in enumerate(zip(size, self.cuts, strict=True)):
            whole = (length - 1) * self.stride[axis] + self.dilation[axis] * (self.kernel[axis] - 1) + 1
            found.append(whole - 2 * cut.padding + cut.output_padding - cut.before - cut.after)
            if found[-1] < 1:
                raise ModelError(self.name, f"nothing is left of an input of length {length} (dimension {axis})")
        return tuple(found)

    @property
    def beside(self) -> int:
        """Learned numbers a channel beside the weights: b."""
        return 2 * (self.norm is not None) + (self.conv.bias is not None)

    def symbols(self, size: Sequence[int]) -> Symbols:
        channels = self.conv.in_channels
        return {
            "k": prod(self.kernel),
            "C": channels,
            "m": self.conv.out_channels // channels,
            "b": self.beside,
            "P_in": prod(size),
        }


@described(
    parameters="(k + b_1)·C_in·m + (C_in·m/g + b_2)·C_out",
    macs="k·C_in·m·P_in + C_in·m/g·C_out·P",
    cannot="as the depthwise separable layer: all outputs share the m filters of an input channel; the pointwise part "
    "runs at the larger size and is nearly all of the cost (before the depthwise part it would cost P_in instead of P)",
    source="Wofk et al. 2019, arXiv:1903.03273, section III-B; Dumoulin and Visin 2016, arXiv:1603.07285, chapter 4",
)
class SeparableTransposed(Layer):
    """Depthwise transposed, then pointwise convolution: what a decoder enlarges with.

    [N, C_in, …] → [N, C_out, …], each spatial dimension `stride` times as long. between, after, bias, groups: as in
    `DepthwiseSeparable`. The rest is `DepthwiseTransposed`'s.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: PerAxis = 3,
        stride: PerAxis = 2,
        *,
        multiplier: int = 1,
        dilation: PerAxis = 1,
        groups: int = 1,
        bias: bool = False,
        between: Follows = ("norm", "activation"),
        after: Follows = ("norm", "activation"),
        padding: TransposedPadding = "centred",
        activation: Activation | None = nn.ReLU,
        eps: float = 1e-5,
        dimensions: int = 2,
    ) -> None:
        super().__init__()
        check_follows(self.name, "between", between)
        check_follows(self.name, "after", after)
        self.dimensions = dimensions
        self.depthwise = DepthwiseTransposed(
            channels_in,
            kernel,
            stride,
            multiplier=multiplier,
            dilation=dilation,
            bias=bias and between == ("activation",),
            norm="norm" in between,
            padding=padding,
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
        first = self.depthwise.symbols(size)
        return {
            "k": first["k"],
            "C_in": first["C"],
            "m": first["m"],
            "C_out": self.pointwise.conv.out_channels,
            "g": self.pointwise.conv.groups,
            "b_1": first["b"],
            "b_2": self.pointwise.beside,
            "P_in": first["P_in"],
            "P": prod(self.output_size(size)),
        }
