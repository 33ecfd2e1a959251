"""Ratios of medians, checked by hand."""

from __future__ import annotations

import pytest

from benchmarks.ratios import ratio_of_medians


def test_the_ratio_is_of_medians_over_all_rounds_ours_first() -> None:
    found = ratio_of_medians([[1.0, 2.0, 3.0], [2.0, 2.0, 100.0]], [[4.0, 4.0, 4.0], [4.0, 4.0, 1.0]])
    assert (found.ours, found.theirs, found.value) == (2.0, 4.0, 0.5)


def test_the_interval_holds_the_ratio_and_is_a_point_where_nothing_varies() -> None:
    varied = ratio_of_medians([[1.0], [1.2], [0.9], [1.1]], [[1.0], [1.0], [1.1], [0.9]])
    assert varied.low <= varied.value <= varied.high
    assert varied.low < varied.high
    still = ratio_of_medians([[3.0], [3.0]], [[2.0], [2.0]])
    assert (still.low, still.value, still.high) == (1.5, 1.5, 1.5)


def test_a_slow_moment_hits_both_sides_of_its_round_and_leaves_the_interval_alone() -> None:
    # Rounds three to five are twice as slow for both: resampled apart, the sides would spread to 0.5 and 2.
    speeds = [1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0]
    found = ratio_of_medians([[speed] for speed in speeds], [[speed] for speed in speeds])
    assert (found.low, found.high) == (1.0, 1.0)


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([[1.0]], []), ([[]], [[1.0]]), ([[1.0]], [[]])])
def test_uneven_or_empty_rounds_are_refused(ours: list[list[float]], theirs: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="same number of rounds"):
        ratio_of_medians(ours, theirs)
