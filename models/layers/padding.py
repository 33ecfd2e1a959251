"""How much lies around an input, and what: torch's modes, TensorFlow's SAME, numbers, or nothing."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Padding", "PaddingMode", "Pads", "even_pads", "pad", "pad_same", "same_pads"]

Padding = Literal["centred", "same", "valid"] | int | tuple[int, ...]
"""How much. centred: dilation·(kernel // 2) on every side, which keeps the size of an input under an odd kernel.
same: TensorFlow's SAME, the odd one after, as its checkpoints want. valid: none. A number, or one a dimension: so many
on both sides, as in torch."""

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
"""What, in torch's words: zeros; the mirror image without the border itself; the border repeated; the other end."""

Pads = tuple[tuple[int, int], ...]
"""Before and after, by dimension."""


def same_pads(
    size: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> Pads:
    """As TensorFlow's documentation of `tf.nn.convolution` has it: the output is ⌈size / stride⌉ long.

    total = max((outputs − 1)·stride + (kernel − 1)·dilation + 1 − size, 0), half of it before, the odd one after.
    """
    pads: list[tuple[int, int]] = []
    for length, taps, step, spread in zip(size, kernel, stride, dilation, strict=True):
        outputs = -(-length // step)
        total = max((outputs - 1) * step + spread * (taps - 1) + 1 - length, 0)
        pads.append((total // 2, total - total // 2))
    return tuple(pads)


def even_pads(
    padding: Padding, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[int, ...] | None:
    """What lies on both sides of each dimension where it is the same for every size of input; None elsewhere.

    SAME is so for stride 1 and an odd kernel: a convolution can then pad by itself, and the graph has no Pad.
    """
    if padding == "valid":
        return (0,) * len(kernel)
    if padding == "centred":
        return tuple(spread * (taps // 2) for taps, spread in zip(kernel, dilation, strict=True))
    if padding == "same":
        wide = [spread * (taps - 1) for taps, spread in zip(kernel, dilation, strict=True)]
        fits = all(step == 1 and total % 2 == 0 for step, total in zip(stride, wide, strict=True))
        return tuple(total // 2 for total in wide) if fits else None
    return (padding,) * len(kernel) if isinstance(padding, int) else padding


def pad(values: Tensor, pads: Pads, mode: PaddingMode = "zeros") -> Tensor:
    """[N, C, …], each spatial dimension longer by its pads."""
    flat = [number for pair in reversed(pads) for number in pair]  # torch counts from the last dimension
    return functional.pad(values, flat, mode="constant" if mode == "zeros" else mode)


def pad_same(values: Tensor, conv: nn.Conv1d | nn.Conv2d | nn.Conv3d) -> Tensor:
    """Zeros as TensorFlow's SAME has them, for the convolution that follows."""
    return pad(values, same_pads(tuple(values.shape[2:]), conv.kernel_size, conv.stride, conv.dilation))
