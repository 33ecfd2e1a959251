from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.export.onnx_to_c.arena import Buffer, plan_arena

SPANS = st.lists(st.tuples(st.integers(1, 5000), st.integers(0, 12), st.integers(0, 5)), max_size=14)


def buffers(spans: list[tuple[int, int, int]]) -> list[Buffer]:
    return [Buffer(f"b{i}", size, first, first + length) for i, (size, first, length) in enumerate(spans)]


@settings(max_examples=60, deadline=None)
@given(SPANS)
def test_what_is_alive_together_does_not_overlap(spans: list[tuple[int, int, int]]) -> None:
    made = buffers(spans)
    places, total = plan_arena(made)
    assert set(places) == set(made)
    for one, other in combinations(made, 2):
        if one.first <= other.last and other.first <= one.last:
            assert places[one] + one.size <= places[other] or places[other] + other.size <= places[one]
    assert all(offset % 16 == 0 and offset + buffer.size <= total for buffer, offset in places.items())


def test_a_chain_takes_what_its_two_largest_neighbours_take() -> None:
    _, total = plan_arena(buffers([(160, 0, 1), (320, 1, 1), (640, 2, 1), (64, 3, 1)]))
    assert total == 320 + 640


def test_the_same_order_gives_the_same_places() -> None:
    spans = [(160, 0, 3), (160, 1, 1), (160, 2, 2), (160, 4, 1)]
    assert list(plan_arena(buffers(spans))[0].values()) == list(plan_arena(buffers(spans))[0].values())


def test_nothing_takes_nothing() -> None:
    assert plan_arena([]) == ({}, 0)
