"""Percentiles of a stream against percentiles of all its values."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sepia.quantize.calibration.observed import Observed
from sepia.quantize.ranges.percentile import percentile_range


def seen(values: NDArray[np.float32], parts: int = 7) -> Observed:
    observed = Observed(histogram=True)
    for part in np.array_split(values, parts):
        observed.add(part)
    return observed


@pytest.mark.parametrize("percentile", [99.99, 99.9, 99.0, 90.0])
@pytest.mark.parametrize("shape", ["normal", "one-sided", "skewed"])
def test_within_a_bin_of_the_true_percentiles(percentile: float, shape: str) -> None:
    values = np.random.default_rng(3).normal(0, 1, 50_000)
    values = {"normal": values, "one-sided": np.abs(values), "skewed": np.exp(values) - 2}[shape].astype(np.float32)
    observed = seen(values)
    assert observed.histogram is not None
    low, high = percentile_range(observed, percentile)
    # Between two neighbours in the tail, any value is a percentile: as wide as the gap there, and a bin besides.
    ordered = np.sort(values)
    above = int(values.size * percentile / 100)
    below = values.size - above
    width = observed.histogram.width
    assert ordered[above - 2] - width <= high <= ordered[min(above + 1, values.size - 1)] + width
    assert ordered[max(below - 2, 0)] - width <= low <= ordered[below + 1] + width


def test_a_hundred_percent_is_min_max() -> None:
    values = np.array([-1.0, 0.5, 3.0], np.float32)
    assert percentile_range(seen(values, 1), 100.0) == (-1.0, 3.0)


def test_never_beyond_what_was_seen() -> None:
    values = np.array([0.1, 0.2, 0.3], np.float32)
    low, high = percentile_range(seen(values, 1), 99.99)
    assert np.float32(0.1) <= low <= high <= np.float32(0.3)


def test_an_outlier_is_cut() -> None:
    values = np.append(np.random.default_rng(0).uniform(-1, 1, 40_000), 500.0).astype(np.float32)
    low, high = percentile_range(seen(values), 99.9)
    assert high < 2.0
    assert low < -0.9


@pytest.mark.parametrize("value", [0.0, 2.5, -2.5])
def test_a_constant(value: float) -> None:
    assert percentile_range(seen(np.full(1000, value, np.float32)), 99.9) == (value, value)
