"""Ranges by squared error against a search over the values themselves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sepia.quantize.calibration.observed import Observed
from sepia.quantize.ranges.grid import activation_grid
from sepia.quantize.ranges.mse import mse_range, squared_error


def seen(values: NDArray[np.float32]) -> Observed:
    observed = Observed(histogram=True)
    for part in np.array_split(values, 10):
        observed.add(part)
    return observed


def true_error(values: NDArray[np.float32], low: float, high: float) -> float:
    """Squared error of every value on the grid that quantisation would really use."""
    grid = activation_grid(low, high, "uint8")
    return float(np.square(grid.dequantize(grid.quantize(values)).astype(np.float64) - values).mean())


@pytest.mark.parametrize("shape", ["normal", "heavy", "one-sided", "negative", "skewed", "uniform"])
def test_no_range_on_a_fine_search_is_much_better(shape: str) -> None:
    rng = np.random.default_rng(5)
    values = {
        "normal": rng.normal(0, 1, 60_000),
        "heavy": rng.standard_t(3, 60_000),
        "one-sided": np.abs(rng.standard_t(4, 60_000)),
        "negative": -np.abs(rng.normal(0, 1, 60_000)),
        "skewed": np.exp(rng.normal(0, 0.8, 60_000)) - 2,
        "uniform": rng.uniform(-1, 3, 60_000),
    }[shape].astype(np.float32)
    found = mse_range(seen(values))
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    best = min(true_error(values, low * a, high * b) for a in np.linspace(0.4, 1, 13) for b in np.linspace(0.4, 1, 13))
    assert true_error(values, *found) <= 1.05 * best
    assert low <= found[0] <= 0.0 <= found[1] <= high


def test_error_on_a_histogram_is_that_of_plain_loops() -> None:
    rng = np.random.default_rng(0)
    counts, values = rng.integers(0, 9, 20).astype(np.float64), rng.uniform(-2, 3, 20)
    low, high = np.array([-2.0, -0.7, 0.0]), np.array([3.0, 1.9, 2.5])
    expected = []
    for bottom, top in zip(low, high, strict=True):
        step = (top - bottom) / 15
        grid = [(round(bottom / step) + level) * step for level in range(16)]
        nearest = [min(abs(point - value) for point in grid) ** 2 for value in values]
        expected.append(sum(count * error for count, error in zip(counts, nearest, strict=True)))
    np.testing.assert_allclose(squared_error(counts, values, low, high, levels=16), expected, rtol=1e-9)


@pytest.mark.parametrize("value", [0.0, 3.0, -3.0])
def test_a_constant_is_not_clipped(value: float) -> None:
    low, high = mse_range(seen(np.full(500, value, np.float32)))
    assert (low, high) == (min(value, 0.0), max(value, 0.0)) or true_error(np.array([value], np.float32), low, high) < (
        1e-6 * value * value
    )
