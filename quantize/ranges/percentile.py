"""Range by percentile: the rarest values at either end are clipped."""

from __future__ import annotations

import numpy as np

from ..calibration.observed import Observed

__all__ = ["percentile_range"]


def percentile_range(observed: Observed, percentile: float = 99.99) -> tuple[float, float]:
    """The ends that keep `percentile` percent of the values below the upper and as many above the lower end.

    percentile: in (50, 100]; 100 is min-max. Linear inside a bin of the histogram, never beyond what was seen.
    """
    if observed.histogram is None or percentile >= 100.0:
        return observed.minimum, observed.maximum
    cumulative = np.concatenate([[0], np.cumsum(observed.histogram.counts())]).astype(np.float64)
    edges = observed.histogram.edges()
    share = cumulative[-1] * (percentile / 100.0)
    # np.interp wants the cumulative counts increasing: an empty bin moves none of the two ends, so it can go.
    upper = _first_at_least(cumulative, edges, share)
    lower = -_first_at_least((cumulative[-1] - cumulative)[::-1], -edges[::-1], share)
    low = max(observed.minimum, min(lower, observed.maximum))
    high = min(observed.maximum, max(upper, observed.minimum))
    return low, high


def _first_at_least(cumulative: np.ndarray, edges: np.ndarray, share: float) -> float:
    """Where the cumulative count, linear between `edges`, first reaches `share`."""
    after = max(1, int(np.searchsorted(cumulative, share, side="left")))
    before = after - 1
    part = (share - cumulative[before]) / max(cumulative[after] - cumulative[before], 1.0)
    return float(edges[before] + part * (edges[after] - edges[before]))
