"""Where a convolution's border comes from: torch's centred zeros, TensorFlow's SAME, or none."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Padding", "pad_same"]

Padding = Literal["centred", "same", "valid"]
"""centred: k // 2 zeros on every side. same: TensorFlow's SAME, the odd zero after, as its checkpoints want.
valid: none."""


def pad_same(values: Tensor, conv: nn.Conv1d | nn.Conv2d | nn.Conv3d) -> Tensor:
    """Zeros as TensorFlow's SAME has them: the output is ⌈size / stride⌉ long, an odd zero lies after."""
    pads: list[int] = []
    for size, kernel, stride, dilation in zip(
        values.shape[2:], conv.kernel_size, conv.stride, conv.dilation, strict=True
    ):
        outputs = -(-size // stride)
        total = max((outputs - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
        pads = [total // 2, total - total // 2, *pads]  # torch counts from the last dimension
    return functional.pad(values, pads)
