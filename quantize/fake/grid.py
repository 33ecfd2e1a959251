"""One grid of activations, which can be learned."""

from __future__ import annotations

from math import sqrt

import numpy as np
import torch
from torch import Tensor, nn

from ...graph.quantization import QuantParams
from ..grouping import Group
from .rounding import fake_quantize, fake_quantize_learned

__all__ = ["FakeGrid"]

_LEAST_SCALE = 1e-12


class FakeGrid(nn.Module):
    """The grid of a group of tensors.

    scale, zero_point: scalar parameters; the second counts from the least code of its dtype (as in uint8), and is
    rounded where it is used. most: the greatest code, counted so: 255 for 8 bits. Neither learns until
    `requires_grad_(True)` is called on it; a grid that is known beforehand never should (`fixed`). After each step of
    an optimiser call `keep_within`.
    """

    def __init__(self, group: Group, start: QuantParams, dtype: torch.dtype) -> None:
        super().__init__()
        self.group = group
        self._dtype, (self._least, greatest) = start.dtype, start.code_range
        self.most = greatest - self._least
        self.scale = nn.Parameter(torch.tensor(float(start.scale[0]), dtype=dtype), requires_grad=False)
        self.zero_point = nn.Parameter(
            torch.tensor(float(start.zero_point[0]) - self._least, dtype=dtype), requires_grad=False
        )

    @property
    def fixed(self) -> bool:
        return self.group.fixed is not None

    @property
    def learns(self) -> bool:
        return self.scale.requires_grad or self.zero_point.requires_grad

    def forward(self, values: Tensor) -> Tensor:
        """Put `values` on the grid."""
        if not self.learns:
            return fake_quantize(values, self.scale, self.zero_point, self.most)
        factor = 1.0 / sqrt(values.numel() * self.most)
        return fake_quantize_learned(values, self.scale, self.zero_point, factor, self.most)

    @torch.no_grad()
    def keep_within(self) -> None:
        """Bring the grid back to what a file can hold.

        The zero point to its codes, the scale above zero, and the ends inside those that an activation has that was
        dropped in favour of this grid (0 and 6 for ReLU6): nothing else clips there any more.
        """
        self.zero_point.clamp_(0, self.most)
        self.scale.clamp_(min=_LEAST_SCALE)
        low, high = self.group.hull
        zero = float(self.zero_point.round())
        if low == 0.0:
            self.zero_point.zero_()
            zero = 0.0
        elif np.isfinite(low) and zero > 0.0:
            self.scale.clamp_(max=-low / zero)
        if np.isfinite(high) and high > 0.0 and zero < self.most:
            self.scale.clamp_(max=high / (self.most - zero))

    @torch.no_grad()
    def widen_to(self, scale: float) -> None:
        """Raise the scale to `scale` if it is below."""
        self.scale.clamp_(min=scale)

    def params(self) -> QuantParams:
        """As the file holds it, in the dtype that it began with."""
        scale = np.array([float(self.scale.detach())], np.float32)
        zero = np.array([int(self.zero_point.detach().round()) + self._least], np.int64)
        return QuantParams(scale, zero, self._dtype)
