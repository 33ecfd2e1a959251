"""Divergences from cumulative sums against the algorithm of the slides, written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sepia.quantize.calibration.observed import Observed
from sepia.quantize.ranges.entropy import divergences, entropy_range


def slow_divergence(counts: NDArray[np.float64], kept: int, levels: int) -> float:
    """Slides 32 to 36 of Migacz 2017, step by step."""
    p = counts[:kept].copy()
    p[-1] += counts[kept:].sum()
    q = np.zeros(kept)
    for level in range(levels):
        start, end = kept * level // levels, kept * (level + 1) // levels
        filled = [index for index in range(start, end) if counts[index] > 0]
        for index in filled:
            q[index] = counts[start:end].sum() / len(filled)
    if q.sum() == 0:
        return np.inf
    p, q = p / p.sum(), q / q.sum()
    if any(p[index] > 0 and q[index] == 0 for index in range(kept)):
        return np.inf
    return float(sum(p[index] * np.log(p[index] / q[index]) for index in range(kept) if p[index] > 0))


@given(hnp.arrays(np.float64, st.integers(8, 40), elements=st.integers(0, 50).map(float)), st.sampled_from([4, 8]))
def test_divergences_are_those_of_the_slides(counts: NDArray[np.float64], levels: int) -> None:
    if counts.sum() == 0:
        return
    expected = [slow_divergence(counts, kept, levels) for kept in range(levels, counts.size + 1)]
    np.testing.assert_allclose(divergences(counts, levels), expected, rtol=1e-9, atol=1e-12)


def seen(values: NDArray[np.float32]) -> Observed:
    observed = Observed(histogram=True)
    for part in np.array_split(values, 10):
        observed.add(part)
    return observed


def test_a_long_tail_is_cut_and_a_flat_distribution_is_not() -> None:
    rng = np.random.default_rng(0)
    heavy = rng.standard_t(2, 80_000).astype(np.float32)
    low, high = entropy_range(seen(heavy))
    assert high < 0.5 * heavy.max()
    assert low > 0.5 * heavy.min()
    flat = rng.uniform(0, 1, 80_000).astype(np.float32)
    assert entropy_range(seen(flat))[1] > 0.95


def test_one_sided_values_have_all_levels_on_one_side() -> None:
    values = np.abs(np.random.default_rng(1).normal(0, 1, 80_000)).astype(np.float32)
    low, high = entropy_range(seen(values))
    assert low == values.min()
    assert 1.0 < high <= values.max()


@pytest.mark.parametrize("value", [0.0, 4.0])
def test_a_constant_keeps_its_range(value: float) -> None:
    low, high = entropy_range(seen(np.full(1000, value, np.float32)))
    assert (low, high) == (value, value)
