"""Range by entropy: the threshold whose 128 levels lose the least information about the values' distribution.

Migacz, "8-bit inference with TensorRT", GTC 2017, slides 27–38. TensorRT's ranges are symmetric; here one threshold T
is found on |x| and the range is [max(min, −T), min(max, T)], with 256 levels for a tensor of one sign.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..calibration.observed import Observed

__all__ = ["divergences", "entropy_range"]


def entropy_range(observed: Observed) -> tuple[float, float]:
    """The range with the least Kullback-Leibler divergence; min-max where there is too little to tell."""
    if observed.histogram is None or observed.histogram.width == 0.0:
        return observed.minimum, observed.maximum
    half = observed.histogram.half
    counts = observed.histogram.counts()
    one_sided = observed.minimum >= 0.0 or observed.maximum <= 0.0
    magnitudes = (counts[half:] + counts[:half][::-1]).astype(np.float64)
    # Exact zeros (after ReLU they may be most) cost nothing at any threshold; slide 36 leaves bin 0 out likewise.
    magnitudes[0] = magnitudes[1] if magnitudes.size > 1 else magnitudes[0]
    levels = 256 if one_sided else 128
    found = divergences(magnitudes, levels)
    if not np.isfinite(found).any():
        return observed.minimum, observed.maximum
    threshold = (levels + int(np.argmin(found))) * observed.histogram.width
    return max(observed.minimum, -threshold), min(observed.maximum, threshold)


def divergences(counts: NDArray[np.float64], levels: int) -> NDArray[np.float64]:
    """KL(P‖Q) for each number of bins kept, from `levels` to all of them; infinite where Q misses what P has.

    counts: [bins] of |x|. P is the bins kept, the rest added to the last of them; Q is the same bins without the rest,
    merged to `levels` equal parts and spread over their bins that are not empty. As Q is flat within a level,
    ΣP·log Q needs a level's sums alone, and those come from cumulative sums: O(levels) for each threshold.
    """
    bins = counts.size
    kept = np.arange(levels, bins + 1)
    sums = np.concatenate([[0.0], np.cumsum(counts)])
    filled = np.concatenate([[0], np.cumsum(counts > 0)])
    entropy = np.concatenate([[0.0], np.cumsum(_x_log_x(counts))])
    # Level j of i kept bins covers [i·j/levels, i·(j+1)/levels), rounded down.
    edges = (kept[:, None] * np.arange(levels + 1)[None, :]) // levels
    mass = np.diff(sums[edges], axis=1)
    spread = np.diff(filled[edges], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_height = np.where(mass > 0, np.log(mass / spread), 0.0)
        total, inside, last = sums[-1], sums[kept], counts[kept - 1]
        outside = total - inside
        # Σ P log P of counts, the last bin holding the rest as well.
        p_log_p = entropy[kept] - _x_log_x(last) + _x_log_x(last + outside)
        p_log_q = (mass * log_height).sum(axis=1) + outside * log_height[:, -1]
        divergence = (p_log_p - p_log_q) / total - np.log(total) + np.log(inside)
    missed = (last == 0) & (outside > 0)
    result: NDArray[np.float64] = np.where(missed | (inside == 0), np.inf, divergence)
    return result


def _x_log_x(x: NDArray[np.float64]) -> NDArray[np.float64]:
    safe = np.where(x > 0, x, 1.0)
    result: NDArray[np.float64] = safe * np.log(safe)
    return result
