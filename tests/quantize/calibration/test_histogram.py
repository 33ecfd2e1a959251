"""The streaming histogram against counting every value in one go."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sepia.quantize.calibration.histogram import Histogram

Floats = NDArray[np.float32]
_VALUES = hnp.arrays(np.float32, st.integers(1, 40), elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False))


def counted(values: Floats, histogram: Histogram) -> NDArray[np.int64]:
    """One value at a time, in the bins that the histogram ended with."""
    counts = np.zeros(2 * histogram.half, np.int64)
    for value in values.astype(np.float64):
        index = int(np.floor(value / histogram.width)) if value != 0.0 else 0
        counts[index + histogram.half] += 1
    return counts


def filled(parts: list[Floats], half: int = 16) -> Histogram:
    histogram = Histogram(half)
    for part in parts:
        histogram.add(part)
    return histogram


@given(st.lists(_VALUES, min_size=1, max_size=5))
def test_counts_are_those_of_all_values_at_once(parts: list[Floats]) -> None:
    histogram = filled(parts)
    values = np.concatenate(parts)
    if not values.any():
        assert histogram.counts()[histogram.half] == values.size
        return
    np.testing.assert_array_equal(histogram.counts(), counted(values, histogram))
    assert histogram.total == values.size


@given(st.lists(_VALUES, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_order_and_cuts_do_not_matter(parts: list[Floats], random: object) -> None:
    whole = filled([np.concatenate(parts)[::-1]])
    pieces = filled(parts)
    assert whole.width == pieces.width
    np.testing.assert_array_equal(whole.counts(), pieces.counts())


@pytest.mark.parametrize("largest", [1.0, 0.75, 4.0, 1e-27, 3e30, -2.0])
def test_half_of_the_bins_of_a_side_or_more_are_used(largest: float) -> None:
    histogram = filled([np.array([largest], np.float32)], half=64)
    assert 64 / 2 <= abs(largest) / histogram.width <= 64
    assert np.log2(histogram.width) == round(np.log2(histogram.width))


def test_zero_stands_on_an_edge() -> None:
    histogram = filled([np.array([-1.0, 1.0], np.float32)])
    assert histogram.edges()[histogram.half] == 0.0
    assert histogram.centres()[histogram.half] == histogram.width / 2


def test_memory_does_not_grow() -> None:
    histogram = Histogram(8)
    size = histogram.counts().nbytes
    for exponent in range(40):
        histogram.add(np.full(100, 2.0**exponent, np.float32))
    assert histogram.counts().nbytes == size
    assert histogram.total == 4000
