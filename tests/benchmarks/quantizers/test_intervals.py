"""Intervals against their definitions: Wilson's by a search for the ends, the bootstrap by loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.quantizers.intervals import RESAMPLES, rms_interval, wilson


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_published_values(right: int, count: int, low: float, high: float) -> None:
    # The last: Newcombe 1998, Statistics in Medicine 17, 857–872, table I, method 3.
    assert wilson(right, count) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
@settings(deadline=None, max_examples=40)
def test_the_ends_are_the_shares_that_are_just_not_refused(case: tuple[int, int]) -> None:
    right, count = case
    found = right / count

    def refused(share: float) -> bool:
        return abs(found - share) > 1.959964 * math.sqrt(share * (1 - share) / count)

    def end(inside: float, outside: float) -> float:
        if not refused(outside):
            return outside
        for _ in range(40):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if refused(middle) else (middle, outside)
        return inside

    assert wilson(right, count) == pytest.approx((end(found, 0.0), end(found, 1.0)), abs=1e-9)


@given(st.integers(0, 9), st.integers(1, 9), st.integers(1, 3))
@settings(max_examples=5, deadline=None)
def test_the_bootstrap_draws_whole_photos(seed: int, photos: int, views: int) -> None:
    squares = np.random.default_rng(seed).exponential(1, (photos, views))
    chance = np.random.default_rng(0)
    drawn = chance.integers(photos, size=(RESAMPLES, photos))
    rms = []
    for resample in drawn:
        total = sum(squares[photo, view] for photo in resample for view in range(views))
        rms.append(math.sqrt(total / (photos * views)))
    assert rms_interval(squares) == pytest.approx(tuple(np.percentile(rms, (2.5, 97.5))))


def test_a_mirror_image_that_tells_nothing_new_narrows_nothing() -> None:
    squares = np.random.default_rng(1).exponential(1, (50, 1))
    assert rms_interval(np.repeat(squares, 2, axis=1)) == pytest.approx(rms_interval(squares))
    # Two hundred photos would: half as wide as fifty.
    wide, narrow = (np.ptp(rms_interval(np.tile(squares, (times, 1)))) for times in (1, 4))
    assert narrow == pytest.approx(wide / 2, rel=0.1)


def test_it_holds_the_truth_about_as_often_as_it_says() -> None:
    chance = np.random.default_rng(2)
    held = 0
    for _ in range(200):
        low, high = rms_interval(chance.normal(0, 1, (100, 2)) ** 2)
        held += low <= 1.0 <= high
    assert 0.88 <= held / 200 <= 0.99
