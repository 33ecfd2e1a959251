"""From a range to a grid: the scale and zero point of an 8-bit activation."""

from __future__ import annotations

import numpy as np

from ...graph.quantization import QuantParams

__all__ = ["EIGHT_BITS", "activation_grid", "fixed_grid"]

EIGHT_BITS = 255
"""Steps of an 8-bit grid."""
_LEAST_RANGE = 1e-9
"""A range below this is no range at all: the tensor is zero. Far above where scale · scale leaves float32."""


def activation_grid(low: float, high: float, dtype: str, *, otherwise: float = 1.0) -> QuantParams:
    """Asymmetric grid over [low, high], stretched to hold zero exactly. Jacob et al. 2018, arXiv:1712.05877, (3).

    dtype: "uint8" or "int8"; the codes differ by 128 and by nothing else. A constant c gets a grid that ends at c, so
    that it stays exact; a tensor that is always zero gets one that ends at `otherwise`: any is exact for zero, and this
    one is right for the values that calibration did not show.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low < _LEAST_RANGE:
        low, high = 0.0, otherwise
    scale = np.float32((high - low) / EIGHT_BITS)
    zero_point = int(np.clip(np.rint(-low / float(scale)), 0, EIGHT_BITS))
    return fixed_grid(float(scale), zero_point, dtype)


def fixed_grid(scale: float, zero_point: int, dtype: str) -> QuantParams:
    """Grid of a known scale. zero_point: of the uint8 encoding, in [0, 255]."""
    grid = QuantParams(np.array([scale], np.float32), np.array([zero_point], np.int64), "uint8")
    return grid.as_dtype(dtype)
