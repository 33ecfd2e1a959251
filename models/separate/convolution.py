"""A convolution as the techniques see it: its weights, and where they are applied."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

__all__ = ["Convolution", "Weights", "output_size"]

Weights = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Convolution:
    """One layer of one group in 1, 2 or 3 dimensions; a tuple has an entry a dimension.

    name: the path of its module. weight: float32 [C_out, C_in, *kernel]. bias: float32 [C_out], or None. pads: zeros
    before and after. size_in, size_out: of one sample, without the padding.
    """

    name: str
    weight: NDArray[np.float32]
    bias: NDArray[np.float32] | None
    strides: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    dilations: tuple[int, ...]
    size_in: tuple[int, ...]
    size_out: tuple[int, ...]

    @property
    def channels_out(self) -> int:
        return int(self.weight.shape[0])

    @property
    def channels_in(self) -> int:
        return int(self.weight.shape[1])

    @property
    def kernel(self) -> tuple[int, ...]:
        return self.weight.shape[2:]

    @property
    def taps(self) -> int:
        """Positions of the kernel: 9 for 3×3."""
        return prod(self.kernel)

    @property
    def positions_in(self) -> int:
        return prod(self.size_in)

    @property
    def positions_out(self) -> int:
        return prod(self.size_out)

    @property
    def params(self) -> int:
        """C_out·C_in·k, and C_out where there is a bias."""
        return self.weight.size + (0 if self.bias is None else self.bias.size)

    @property
    def macs(self) -> int:
        """C_out·C_in·k·P_out; multiplications by padding count, as in published tables."""
        return self.weight.size * self.positions_out

    @property
    def wide(self) -> Weights:
        """The weight in float64, [C_out, C_in, taps]."""
        return self.weight.reshape(self.channels_out, self.channels_in, -1).astype(np.float64)


def output_size(size: int, kernel: int, stride: int, pads: tuple[int, int], dilation: int) -> int:
    """Length of what a convolution makes of `size` values in one dimension."""
    return (size + sum(pads) - dilation * (kernel - 1) - 1) // stride + 1
