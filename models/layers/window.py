"""What a convolution sees of its input: kernel, stride, dilation and border, by dimension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import get_args

from ...errors import ModelError
from .arguments import PerAxis, check_choice, check_dimensions, per_axis
from .padding import Padding, PaddingMode, Pads, even_pads, same_pads

__all__ = ["Window", "window"]

_DEEPEST = {"reflect": "less than", "circular": "no more than"}
"""How deep these modes can reach into an input: a mirror leaves the border out."""


@dataclass(frozen=True)
class Window:
    """Each tuple has an entry a spatial dimension. even_pads: what lies on both sides; None where that depends on the
    input's size, or is not the same on both.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    mode: PaddingMode
    even_pads: tuple[int, ...] | None

    @property
    def taps(self) -> int:
        """Kernel positions: k."""
        return prod(self.kernel)

    def pads(self, size: Sequence[int]) -> Pads:
        """Before and after each dimension of an input of that size."""
        if self.even_pads is None:
            return same_pads(tuple(size), self.kernel, self.stride, self.dilation)
        return tuple((each, each) for each in self.even_pads)

    def output_size(self, where: str, size: Sequence[int]) -> tuple[int, ...]:
        """How large the output is. Raises ModelError where the border reaches too deep, or no window fits."""
        sizes = []
        for axis, (length, (before, after)) in enumerate(zip(size, self.pads(size), strict=True)):
            deepest = max(before, after)
            if (self.mode == "reflect" and deepest >= length) or (self.mode == "circular" and deepest > length):
                raise ModelError(
                    where,
                    f"{self.mode} padding of {deepest} on an input of length {length} (spatial dimension {axis})",
                    accepted=f"{_DEEPEST[self.mode]} the length",
                    hint="use 'zeros' or 'replicate', or a larger input",
                )
            span = self.dilation[axis] * (self.kernel[axis] - 1) + 1
            if length + before + after < span:
                raise ModelError(
                    where,
                    f"its kernel spans {span}, the input {length + before + after} with its padding "
                    f"(spatial dimension {axis})",
                    hint="use a larger input, a smaller kernel or dilation, or padding 'same'",
                )
            sizes.append((length + before + after - span) // self.stride[axis] + 1)
        return tuple(sizes)

    def keeps_size(self) -> bool:
        """Whether the output is as large as the input, whatever that is."""
        if any(step > 1 for step in self.stride):
            return False
        wide = [spread * (taps - 1) for taps, spread in zip(self.kernel, self.dilation, strict=True)]
        return self.even_pads is None or [2 * each for each in self.even_pads] == wide


def window(
    where: str,
    dimensions: int,
    kernel: PerAxis,
    stride: PerAxis,
    dilation: PerAxis,
    padding: Padding,
    mode: PaddingMode,
) -> Window:
    """A window of checked arguments. Raises ModelError in the name of `where`."""
    check_dimensions(where, dimensions)
    kernels = per_axis(where, "kernel", kernel, dimensions)
    strides = per_axis(where, "stride", stride, dimensions)
    dilations = per_axis(where, "dilation", dilation, dimensions)
    check_choice(where, "padding_mode", mode, PaddingMode)
    if isinstance(padding, str):
        check_choice(where, "padding", padding, get_args(Padding)[0], also="a number, or one a dimension")
    else:
        padding = per_axis(where, "padding", padding, dimensions, least=0)
    return Window(kernels, strides, dilations, mode, even_pads(padding, kernels, strides, dilations))
