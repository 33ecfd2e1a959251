"""Waves: how many boards each has, and where they stop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sepia.errors import ConfigError
from sepia.ship.waves import DEFAULT, in_waves, waves


@pytest.mark.parametrize(
    ("text", "count", "sizes"),
    [
        (DEFAULT, 50, (1, 4, 45)),
        (DEFAULT, 5, (1, 4)),
        (DEFAULT, 1, (1,)),
        (DEFAULT, 2, (1, 1)),
        ("100%", 7, (7,)),
        ("2, 50 %".replace(" %", "%"), 10, (2, 3, 5)),
        ("3,3,4", 10, (3, 1, 6)),
        ("0.5%", 1000, (5, 995)),
        ("10%", 25, (3, 22)),
        ("20", 10, (10,)),
    ],
)
def test_sizes(text: str, count: int, sizes: tuple[int, ...]) -> None:
    assert waves(text, count) == sizes


@given(st.integers(1, 300), st.lists(st.integers(1, 100), min_size=1, max_size=4).map(sorted))
def test_every_board_is_in_one_wave(count: int, shares: list[int]) -> None:
    sizes = waves(",".join(f"{share}%" for share in shares), count)
    assert sum(sizes) == count
    assert all(size > 0 for size in sizes)


@pytest.mark.parametrize("text", ["", "1,", "0", "0%", "101%", "1.5", "-1", "half", "50%,10%"])
def test_what_is_no_list_of_waves(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^--wave: .*; accepted: numbers of boards"):
        waves(text, 10)


def test_the_first_wave_with_a_bad_board_is_the_last() -> None:
    asked: list[list[int]] = []

    def action(boards: object) -> list[int]:
        asked.append(list(boards))  # type: ignore[call-overload]
        return asked[-1]

    rolled = in_waves(range(6), (1, 2, 3), action, lambda board: board == 2)
    assert asked == [[0], [1, 2]]
    assert rolled.waves == ((0,), (1, 2))
    assert rolled.left == (3, 4, 5)


def test_all_are_good() -> None:
    rolled = in_waves("abc", (1, 2), list, lambda board: False)
    assert rolled.ended == ("a", "b", "c")
    assert rolled.left == ()
