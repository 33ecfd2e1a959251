"""What is remembered of one tensor."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.quantize.calibration.observed import SAMPLED, Observed, stride_of


def test_ends_are_exact_though_the_histogram_is_sampled() -> None:
    values = np.zeros(SAMPLED * 10, np.float32)
    values[[1, 2]] = -3.25, 7.5
    observed = Observed(histogram=True)
    observed.add(values)
    assert (observed.minimum, observed.maximum) == (-3.25, 7.5)
    assert observed.histogram is not None
    assert SAMPLED / 2 <= observed.histogram.total <= SAMPLED


@pytest.mark.parametrize("size", [1, 7, SAMPLED, SAMPLED + 1, 3 * SAMPLED, 12544 * 96])
def test_stride_is_odd_and_keeps_within_the_limit(size: int) -> None:
    assert stride_of(size) % 2 == 1
    assert len(range(0, size, stride_of(size))) <= SAMPLED


def test_a_sampled_histogram_has_the_same_shares() -> None:
    values = np.random.default_rng(0).normal(0, 1, (96, 56, 56)).astype(np.float32)
    observed = Observed(histogram=True)
    observed.add(values)
    assert observed.histogram is not None
    below = observed.histogram.counts()[: observed.histogram.half].sum() / observed.histogram.total
    assert abs(below - (values < 0).mean()) < 0.02


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("histogram", [True, False])
def test_what_is_not_finite_is_seen_and_stays_seen(bad: float, histogram: bool) -> None:
    observed = Observed(histogram=histogram)
    observed.add(np.array([1.0, bad], np.float32))
    observed.add(np.array([1.0, 2.0], np.float32))
    assert not observed.finite
