"""How a kernel walks over an image: pads, strides, dilations, and whether TFLite's SAME or VALID says the same.

TFLite has no explicit pads. SAME puts total // 2 before and the rest behind, where total is what the last output still
needs; so a stride of 2 on an even image starts at 0 where torch's padding=1 starts at −1: the two are a pixel apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .program import Options, Tensor
from .site import Site, dims
from .writer import Writer

__all__ = ["Axis", "Window", "axes", "pad", "padded", "window"]


@dataclass(frozen=True)
class Axis:
    """One spatial axis. before, after: pads; size_in, size_out: without them."""

    kernel: int
    stride: int
    dilation: int
    before: int
    after: int
    size_in: int
    size_out: int

    @property
    def extent(self) -> int:
        """Length that the dilated kernel covers."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def used_after(self) -> int:
        """The pad behind that some output reads; strides may leave the end of the image unread."""
        return max((self.size_out - 1) * self.stride + self.extent - self.size_in - self.before, 0)

    @property
    def is_valid(self) -> bool:
        return self.before == 0 and self.used_after == 0

    @property
    def is_same(self) -> bool:
        total = max((self.size_out - 1) * self.stride + self.extent - self.size_in, 0)
        return self.size_out == -(-self.size_in // self.stride) and self.before == total // 2


@dataclass(frozen=True)
class Window:
    """All spatial axes, in order; a 1-D layer is one of height 1."""

    height: Axis
    width: Axis

    @property
    def axes(self) -> tuple[Axis, Axis]:
        return self.height, self.width

    @property
    def padding(self) -> Literal["VALID", "SAME"] | None:
        """TFLite's word for the pads, None where neither says them. VALID first: it is the cheaper check."""
        if all(axis.is_valid for axis in self.axes):
            return "VALID"
        return "SAME" if all(axis.is_same for axis in self.axes) else None

    @property
    def options(self) -> dict[str, int]:
        """strideH, strideW: fields that convolutions and pools share."""
        return {"strideH": self.height.stride, "strideW": self.width.stride}

    @property
    def dilations(self) -> dict[str, int]:
        return {"dilationHFactor": self.height.dilation, "dilationWFactor": self.width.dilation}


_FLAT = Axis(1, 1, 1, 0, 0, 1, 1)


def window(site: Site, kernel: tuple[int, ...]) -> Window:
    """Window of a Conv, MaxPool or AveragePool in 1-D or 2-D. kernel: its spatial sizes."""
    found = axes(site, kernel)
    return Window(*([_FLAT] * (2 - len(found)) + found))


def axes(site: Site, kernel: tuple[int, ...]) -> list[Axis]:
    """The walk of a Conv, MaxPool or AveragePool along each spatial axis."""
    count = len(kernel)
    size_in, size_out = dims(site.input(0))[2:], dims(site.node.outputs[0])[2:]
    strides, dilations = site.integers("strides", (1,) * count), site.integers("dilations", (1,) * count)
    pads = _pads(site, size_in, size_out, kernel, strides, dilations)
    return [
        Axis(kernel[i], strides[i], dilations[i], pads[i], pads[i + count], size_in[i], size_out[i])
        for i in range(count)
    ]


def _pads(
    site: Site,
    size_in: tuple[int, ...],
    size_out: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
) -> tuple[int, ...]:
    """Attribute `pads`, or what `auto_pad` comes to."""
    mode = site.text("auto_pad", "NOTSET")
    if mode in ("NOTSET", "VALID"):
        return site.integers("pads", (0,) * (2 * len(kernel))) if mode == "NOTSET" else (0,) * (2 * len(kernel))
    before, after = [], []
    for i, size in enumerate(kernel):
        extent = (size - 1) * dilations[i] + 1
        total = max((size_out[i] - 1) * strides[i] + extent - size_in[i], 0)
        less, more = total // 2, total - total // 2
        before.append(less if mode == "SAME_UPPER" else more)
        after.append(more if mode == "SAME_UPPER" else less)
    return (*before, *after)


def padded(write: Writer, tensor: Tensor, frame: Window, fill: Tensor | None = None) -> Tensor:
    """`tensor` [N, H, W, C] with the pads that `frame` reads, as an operator of its own.

    PAD fills with 0 (in int8 with the zero point, which is the code of 0). fill: a constant [1] for PADV2 instead.
    """
    pads = [(0, 0), *((axis.before, axis.used_after) for axis in frame.axes), (0, 0)]
    return pad(write, tensor, pads, fill)


def pad(write: Writer, tensor: Tensor, pads: list[tuple[int, int]], fill: Tensor | None = None) -> Tensor:
    """PAD or PADV2 by (before, after) for each axis of `tensor`."""
    widths = write.program.constant(f"{tensor.name}_pads", np.asarray(pads, np.int32))
    shape = [
        size if size < 0 else size + before + after for size, (before, after) in zip(tensor.shape, pads, strict=True)
    ]
    op, kind = ("PAD", "PadOptions") if fill is None else ("PADV2", "PadV2Options")
    inputs = [tensor, widths] if fill is None else [tensor, widths, fill]
    return write.emit(
        op, inputs, shape, Options(kind, {}), name=f"{tensor.name}_padded", dtype=tensor.dtype, grid=tensor.quantization
    )
