"""Metrics against plain loops, and their laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sepia.check.difference import CodeDifference, LogitDifference, compare_codes, compare_logits, in_top

_pairs = hnp.array_shapes(max_dims=3, max_side=5).flatmap(
    lambda shape: st.tuples(hnp.arrays(np.uint8, shape), hnp.arrays(np.uint8, shape))
)
_logits = st.integers(2, 12).flatmap(
    lambda size: st.tuples(*[hnp.arrays(np.float32, (1, size), elements=st.floats(-50, 50, width=32))] * 2)
)


@given(_pairs)
def test_codes_are_counted_as_by_a_loop(pair):
    left, right = pair
    distances = [abs(int(a) - int(b)) for a, b in zip(left.flat, right.flat, strict=True)]

    found = compare_codes(left, right)

    assert found == CodeDifference(len(distances), distances.count(0), max(distances))
    assert compare_codes(right, left) == found


@given(_pairs)
def test_codes_are_as_far_apart_in_int8_as_in_uint8(pair):
    left, right = ((codes ^ np.uint8(128)).view(np.int8) for codes in pair)

    assert compare_codes(left, right) == compare_codes(*pair)


@given(st.lists(_pairs, min_size=1, max_size=4))
def test_differences_add_up_to_that_of_everything_at_once(pairs):
    total = sum((compare_codes(*pair) for pair in pairs), start=CodeDifference())
    left, right = (np.concatenate([pair[side].reshape(-1) for pair in pairs]) for side in (0, 1))

    assert total == compare_codes(left, right)


def test_codes_of_other_shapes_or_types_are_a_bug():
    with pytest.raises(ValueError, match=r"\(2,\) against uint8\(3,\)"):
        compare_codes(np.zeros(2, np.uint8), np.zeros(3, np.uint8))
    with pytest.raises(ValueError, match="int8"):
        compare_codes(np.zeros(2, np.int8), np.zeros(2, np.uint8))


@given(st.lists(_logits, min_size=1, max_size=4))
def test_rms_and_agreement_are_those_of_all_samples_together(pairs):
    total = sum((compare_logits(*pair) for pair in pairs), start=LogitDifference())

    errors = np.concatenate([(a.astype(float) - b.astype(float)).reshape(-1) for a, b in pairs])
    assert total.rms == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-9, abs=1e-12)
    assert total.agreement == pytest.approx(np.mean([a.argmax() == b.argmax() for a, b in pairs]))


def test_outputs_that_are_not_finite_are_infinitely_wrong():
    found = compare_logits(np.array([[1.0, np.nan]]), np.array([[0.0, 1.0]]))

    assert found.rms == float("inf")
    assert found.agreement == 0


@given(hnp.arrays(np.int8, st.integers(1, 9), elements=st.integers(-3, 3)), st.data())
def test_in_top_is_the_place_in_a_stable_sort(logits, data):
    index = data.draw(st.integers(0, logits.size - 1))
    most = data.draw(st.integers(1, 9))

    order = sorted(range(logits.size), key=lambda at: (-int(logits[at]), at))

    assert in_top(logits, index, most) == (index in order[:most])


def test_the_first_of_the_top_is_the_argmax_and_a_tie_is_no_free_hit():
    tied = np.array([[1.0, 3.0, 3.0, 0.0]])

    assert in_top(tied, 1, 1)
    assert not in_top(tied, 2, 1)
    assert in_top(tied, 2, 2)


@pytest.mark.parametrize("index", [-1, 4])
def test_a_class_that_is_not_there_is_never_right(index):
    assert not in_top(np.zeros((1, 4)), index, 5)


def test_nan_is_never_right():
    assert not in_top(np.array([np.nan, 1.0]), 0, 2)
    assert in_top(np.array([np.nan, 1.0]), 1, 1)
