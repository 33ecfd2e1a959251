"""How far a factor may go, channel by channel in plain words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sepia.quantize.equalizing.factors import least_factors, shares
from sepia.quantize.equalizing.streams import Stream

STREAM = Stream(("x", "y"), 4, ("first",), ("last",), ("clip",), (("x", 6.0),), frozenset({"x"}), False)


def ends(*high: float) -> tuple[np.ndarray, np.ndarray]:
    return np.full(len(high), -20.0), np.array(high)


def test_up_to_the_bound_and_not_at_all_past_it() -> None:
    least, most = least_factors(STREAM, {"x": ends(3.0, 6.0, 6.1, -2.0)})
    np.testing.assert_allclose(least, [0.5, 1.0, 1.0, 0.0])
    np.testing.assert_array_equal(most, [np.inf, np.inf, 1.0, np.inf])


def test_what_is_not_known_stays() -> None:
    for known in ({}, {"x": ends(*[np.inf] * 4)}):
        least, most = least_factors(STREAM, known)
        assert (least == 1.0).all() and (most == 1.0).all()
    least, most = least_factors(replace(STREAM, clips=()), {})
    assert (least == 0.0).all() and np.isinf(most).all()


def test_a_share_is_of_what_is_read() -> None:
    # Below zero nothing is read of x, above six nothing either.
    assert shares(STREAM, {"x": ends(3.0, 12.0, 0.6, -1.0)}) == pytest.approx([0.5, 1.0, 0.1, 0.0])
    free = replace(STREAM, clips=(), rectified=frozenset())
    assert shares(free, {"x": ends(3.0, 12.0, 0.6, -1.0)}) == pytest.approx([1.0] * 4)
    two = {"x": (np.zeros(4), np.array([1.0, 2.0, 4.0, 0.0])), "y": (np.array([-5.0, 0.0, 0.0, 0.0]), np.zeros(4))}
    assert shares(free, two) == pytest.approx([1.0, 0.5, 1.0, 0.0])
