"""Range by mean squared error: clip where that costs less than a coarser grid does.

Choukroun et al. 2019, arXiv:1902.06822, equation (1), searched on a histogram with 256 levels and both ends free.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..calibration.observed import Observed

__all__ = ["mse_range", "squared_error"]

_STEPS = 48
"""Candidates for one end: from the end that was seen down to `_LEAST` of it."""
_LEAST = 0.4
_SWEEPS = 2


def mse_range(observed: Observed, levels: int = 256) -> tuple[float, float]:
    """The ends with the least squared error of a grid of `levels`, zero among them.

    One end at a time, twice over: the ends meet in the step alone. Never beyond what was seen.
    """
    low, high = min(observed.minimum, 0.0), max(observed.maximum, 0.0)
    if observed.histogram is None or observed.histogram.width == 0.0:
        return low, high
    counts = observed.histogram.counts()
    seen = np.flatnonzero(counts)
    filled, centres = counts[seen].astype(np.float64), observed.histogram.centres()[seen]
    shares = np.linspace(1.0, _LEAST, _STEPS)
    best = (low, high)
    for _ in range(_SWEEPS if low < 0.0 < high else 1):
        if high > 0.0:
            best = _least(filled, centres, np.full(_STEPS, best[0]), high * shares, levels)
        if low < 0.0:
            best = _least(filled, centres, low * shares, np.full(_STEPS, best[1]), levels)
    return best


def squared_error(
    counts: NDArray[np.float64],
    values: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    levels: int = 256,
) -> NDArray[np.float64]:
    """Σ counts · (value − its nearest of `levels` grid values)², for each range [low, high]: [ranges].

    Each range is moved, as quantisation does, so that zero is on the grid.
    """
    step = (high - low) / (levels - 1)
    bottom = np.rint(low / step)
    scaled = np.rint(values[None, :] / step[:, None])
    np.clip(scaled, bottom[:, None], bottom[:, None] + levels - 1, out=scaled)
    scaled *= step[:, None]
    scaled -= values[None, :]
    error: NDArray[np.float64] = np.square(scaled, out=scaled) @ counts
    return error


def _least(
    counts: NDArray[np.float64],
    values: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    levels: int,
) -> tuple[float, float]:
    best = int(np.argmin(squared_error(counts, values, low, high, levels)))
    return float(low[best]), float(high[best])
