"""The greedy choice against every choice, on curves where squared losses add."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.models.separate.descend import Chosen, descend, least_macs, least_step, spared
from sepia.models.separate.options import hull
from support.separable_options import added, option

Curve = list[tuple[int, float]]


@given(st.lists(st.tuples(st.integers(1, 99), st.floats(0.01, 2)), min_size=1, max_size=12))
@settings(deadline=None)
def test_the_hull_is_what_no_mixture_beats(points: Curve) -> None:
    kept = hull(100, [option("a", macs, error) for macs, error in points])
    places = [(100.0, 0.0), *((float(one.factored.macs), one.error**2) for one in kept)]
    assert [macs for macs, _ in places] == sorted({macs for macs, _ in places}, reverse=True)
    slopes = [(e1 - e0) / (m0 - m1) for (m0, e0), (m1, e1) in pairwise(places)]
    assert slopes == sorted(slopes) and all(slope > 0 for slope in slopes)
    for macs, error in points:
        # At as many MACs the hull is no worse.
        line = np.interp(macs, [m for m, _ in reversed(places)], [e for _, e in reversed(places)])
        assert macs < places[-1][0] or line <= error**2 + 1e-9
    assert min(macs for macs, _ in points) == places[-1][0]


@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 99), st.floats(0.01, 2)), min_size=1, max_size=4), min_size=1, max_size=4
    )
)
@settings(deadline=None, max_examples=60)
def test_at_its_own_macs_no_choice_of_options_is_better(curves: list[Curve]) -> None:
    layers = {f"layer{index}": 100 for index in range(len(curves))}
    options = {
        name: hull(100, [option(name, macs, error) for macs, error in points])
        for name, points in zip(layers, curves, strict=True)
    }
    total = 50 + 100 * len(layers)
    steps = list(descend(options, layers, total, added))
    assert steps[0].macs == total and steps[0].loss == 0
    assert steps[-1].macs == least_macs(options, layers, total)
    everything = [
        {name: one for name, one in zip(options, picked, strict=True) if one is not None}
        for picked in product(*([None, *each] for each in options.values()))
    ]
    for step in steps:
        macs = total - sum(100 - one.factored.macs for one in step.chosen.values())
        assert macs == step.macs
        rivals = [c for c in everything if total - sum(100 - one.factored.macs for one in c.values()) <= step.macs]
        assert step.loss <= min(map(added, rivals)) + 1e-9


def test_what_the_budget_does_not_need_goes_back() -> None:
    """The last layer that was taken saves so much that another may stay as it was."""
    options = {"small": (option("small", 90, 0.1),), "large": (option("large", 100, 2.0),)}
    layers = {"small": 100, "large": 1000}
    step = least_step(descend(options, layers, 1100, added), 300)
    assert step is not None and set(step.chosen) == {"small", "large"}
    kept = spared(step, options, layers, 300, added)
    assert set(kept.chosen) == {"large"} and kept.macs == 200 and kept.loss == pytest.approx(2.0)


def test_a_budget_below_the_least_is_met_by_nothing() -> None:
    options = {"a": (option("a", 40, 0.1),)}
    assert least_step(descend(options, {"a": 100}, 100, added), 39) is None


def test_a_loss_that_depends_on_its_neighbours_is_measured_again() -> None:
    """Alone b is cheap; with a it is dear, and c is taken first."""

    def loss(chosen: Chosen) -> float:
        return added(chosen) * (3.0 if {"a", "b"} <= set(chosen) else 1.0)

    options = {name: (option(name, 50, error),) for name, error in (("a", 0.1), ("b", 0.2), ("c", 0.25))}
    order = [set(step.chosen) for step in descend(options, dict.fromkeys(options, 100), 300, loss)]
    assert order == [set(), {"a"}, {"a", "c"}, {"a", "b", "c"}]
