from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.export.onnx_to_c.axes import collapsed, steps_of


def places(sizes: tuple[int, ...], steps: tuple[int, ...]) -> list[int]:
    """Where a walk goes, in its order."""
    return [sum(i * step for i, step in zip(at, steps, strict=True)) for at in np.ndindex(*sizes)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_fewer_axes_walk_the_same_way(sizes: list[int], random: object) -> None:
    order = list(range(len(sizes)))
    random.shuffle(order)  # type: ignore[attr-defined]
    source, into = steps_of(sizes), steps_of([sizes[axis] for axis in order])
    walk = [sizes[axis] for axis in order]
    from_steps = [source[axis] for axis in order]
    found, (first, second) = collapsed(walk, from_steps, into, rank=6)
    assert len(found) == 6
    assert places(found, first) == places(tuple(walk), tuple(from_steps))
    assert places(found, second) == places(tuple(walk), into)


def test_what_lies_in_one_piece_is_one_axis() -> None:
    assert collapsed((2, 3, 4), (12, 4, 1), (12, 4, 1), rank=3) == ((1, 1, 24), ((0, 0, 1), (0, 0, 1)))


def test_a_repeated_axis_stays_apart() -> None:
    sizes, (_, repeated) = collapsed((2, 3, 4), (12, 4, 1), (0, 0, 1), rank=3)
    assert (sizes, repeated) == ((1, 6, 4), (0, 0, 1))


def test_more_axes_than_there_are_loops() -> None:
    with pytest.raises(ValueError, match="3 axes where 2"):
        collapsed((2, 3, 4), (1, 2, 6), rank=2)
