"""The climb from recipe to recipe, on losses made up: where it stops, what it keeps, what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sepia.quantize.climb import PARTED, Climb, climb
from sepia.quantize.loss import Loss
from sepia.quantize.recipes import Recipe

LADDER = [Recipe(name=name) for name in ("minmax", "fast", "best")]


@dataclass(frozen=True)
class Made:
    losses: Mapping[str, Loss]
    seconds: float


def loss(relative: float, *, samples: int = 40, agreement: float = 0.95, top1: float | None = None) -> Loss:
    right = None if top1 is None else {"float": 0.9, "int8": top1}
    return Loss({"logits": 2 * relative}, {"logits": 2.0}, {"logits": agreement}, samples, right)


def attempts(made: dict[str, tuple[float, float]], tried: list[str] | None = None) -> Callable[[Recipe], Made]:
    """made: recipe → (relative rms on samples seen, on those held back)."""

    def attempt(recipe: Recipe) -> Made:
        if tried is not None:
            tried.append(recipe.name)
        seen, held = made[recipe.name]
        return Made({"seen": loss(seen, samples=160), "held back": loss(held)}, 10.0 * len(recipe.name))

    return attempt


FALLING = {"minmax": (0.12, 0.12), "fast": (0.07, 0.075), "best": (0.03, 0.04)}


def climbed(made: dict[str, tuple[float, float]], max_loss: float) -> Climb:
    return climb(LADDER, attempts(made), max_loss=max_loss, labelled=False)


@pytest.mark.parametrize(
    ("max_loss", "chosen", "tried", "reached"),
    [
        (50, "minmax", ["minmax"], True),
        (12.0, "minmax", ["minmax"], True),
        (11.9, "fast", ["minmax", "fast"], True),
        (7.4, "best", ["minmax", "fast", "best"], True),
        (3.9, "best", ["minmax", "fast", "best"], False),
    ],
)
def test_it_stops_at_the_first_that_is_good_enough(
    max_loss: float, chosen: str, tried: list[str], reached: bool
) -> None:
    seen: list[str] = []
    found = climb(LADDER, attempts(FALLING, seen), max_loss=max_loss, labelled=False)
    assert (found.chosen, seen, found.reached) == (chosen, tried, reached)
    assert [rung.recipe for rung in found.rungs] == tried


@given(
    st.lists(st.floats(1e-6, 1), min_size=3, max_size=3),
    st.lists(st.floats(1e-6, 1), min_size=3, max_size=3),
    st.floats(0, 100),
)
def test_it_is_what_a_plain_search_finds(seen: list[float], held: list[float], max_loss: float) -> None:
    names = [recipe.name for recipe in LADDER]
    found = climbed(dict(zip(names, zip(seen, held, strict=True), strict=True)), max_loss)
    good = [name for name, share in zip(names, held, strict=True) if 100 * (2 * share) / 2 <= max_loss]
    assert found.reached == bool(good)
    assert found.chosen == (good[0] if good else names[held.index(min(held))])


def test_a_missed_goal_keeps_the_best_even_if_it_is_not_the_last() -> None:
    found = climbed(FALLING | {"best": (0.01, 0.2)}, 5)
    assert (found.chosen, found.reached) == ("fast", False)
    assert found.missed() == "no recipe keeps the loss to 5 % of the output's spread: the best, fast, loses 7.5"


def test_what_it_fits_is_not_what_it_is_judged_by() -> None:
    assert climbed({"minmax": (0.01, 0.2), "fast": (0.3, 0.04), "best": (0, 0)}, 5).chosen == "fast"


def test_a_rung_that_learned_its_samples_is_marked() -> None:
    found = climbed({"minmax": (0.10, 0.11), "fast": (0.10, 0.116), "best": (0.02, 0.075)}, 1)
    assert [rung.learned for rung in found.rungs] == [False, True, True]
    assert [rung.parted for rung in found.rungs] == pytest.approx([1.1, 1.16, 3.75])
    assert PARTED == 1.15


def test_easy_samples_held_back_hide_nothing() -> None:
    # They lose a fifth less by min-max; a recipe that loses as much on them as on its own has learned.
    found = climbed({"minmax": (0.10, 0.08), "fast": (0.05, 0.05), "best": (0.02, 0.016)}, 1)
    assert [rung.learned for rung in found.rungs] == [False, True, False]
    assert found.rungs[1].parted == pytest.approx(1.25)


def test_an_exact_network_has_not_learned_anything() -> None:
    found = climbed({"minmax": (0, 0), "fast": (0, 0), "best": (0, 0)}, 0)
    assert (found.chosen, found.rungs[0].learned, found.rungs[0].parted) == ("minmax", False, 1.0)


def test_labels_are_points_of_top1() -> None:
    def attempt(recipe: Recipe) -> Made:
        top1 = {"minmax": 0.85, "fast": 0.925, "best": 0.9}[recipe.name]
        return Made({"seen": loss(0.1, top1=0.9), "held back": loss(0.1, top1=top1)}, 1.0)

    found = climb(LADDER, attempt, max_loss=4, labelled=True)
    assert [rung.loss for rung in found.rungs] == pytest.approx([5.0, -2.5])
    assert (found.chosen, found.unit) == ("fast", "points of top-1")
    assert "one of 40 samples is 2.5 points" not in found.to_text()
    fine = climb(LADDER, attempt, max_loss=1, labelled=True)
    assert "one of 40 samples is 2.5 points: give more to tell 1 apart" in fine.to_text()


def test_labels_that_nobody_counted_are_a_bug() -> None:
    with pytest.raises(ValueError, match="takes labels"):
        climb(LADDER, attempts(FALLING), max_loss=1, labelled=True)


TEXT = """\
asked: a loss of at most 5 % of the output's spread, on 40 samples held back
  recipe  held back    seen  agreement  seconds
  minmax      12.00   12.00      0.950     60.0
  fast         7.50    7.00      0.950     40.0
  best         4.00    3.00      0.950     40.0
kept: best, the first that is good enough
best fits the samples that it saw 1.33 times as well as others: too few were given; trust the loss held back alone"""


def test_as_text() -> None:
    assert climbed(FALLING, 5).to_text() == TEXT
