"""The greedy search beside the best of all sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sepia.quantize.mixed.cost import layer_costs, neighbours
from sepia.quantize.mixed.smallest_set import LossOf, forward, smallest_set
from sepia.quantize.recipes import Recipe
from support.graphs import NetBuilder
from support.mixing import variants_of


def subsets(names: Mapping[str, float]) -> Iterator[frozenset[str]]:
    return map(frozenset, chain.from_iterable(combinations(names, size) for size in range(len(names) + 1)))


def best_of_all(costs: Mapping[str, float], loss_of: LossOf, most: float) -> float:
    """The least cost of any set that is good enough, by looking at every one."""
    return min(sum(costs[name] for name in floats) for floats in subsets(costs) if loss_of(floats) <= most)


class Independent:
    """Errors that add in squares: what each layer in int8 adds."""

    def __init__(self, errors: Mapping[str, float]) -> None:
        self.errors = errors
        self.asked: list[frozenset[str]] = []

    def __call__(self, floats: frozenset[str]) -> float:
        self.asked.append(floats)
        return float(np.sqrt(sum(error**2 for name, error in self.errors.items() if name not in floats)))


NUMBERS = st.lists(st.tuples(st.floats(0.001, 1.0), st.floats(0.1, 10.0)), min_size=1, max_size=8)  # (error, cost)


@given(NUMBERS, st.floats(0.01, 0.99))
def test_near_the_best_where_errors_are_independent(numbers: list[tuple[float, float]], share: float) -> None:
    costs = {f"l{index}": cost for index, (_, cost) in enumerate(numbers)}
    loss_of = Independent({f"l{index}": error for index, (error, _) in enumerate(numbers)})
    most = share * loss_of(frozenset())
    found = smallest_set(costs, loss_of, most)
    assert found.reached
    assert found.loss == loss_of(frozenset(found.floats)) <= most
    assert found.cost == pytest.approx(sum(costs[name] for name in found.floats))
    # Twice the best is the bound of greedy with the best finisher for this knapsack (Csirik et al. 1991).
    assert found.cost <= 2.0 * best_of_all(costs, loss_of, most) * (1 + 1e-9)
    for name in found.floats:
        assert loss_of(frozenset(found.floats) - {name}) > most


def test_nothing_in_float_where_that_is_enough() -> None:
    found = smallest_set({"a": 1.0}, lambda floats: 0.0 if floats else 0.1, 0.1)
    assert (found.floats, found.loss, found.cost, found.reached) == ((), 0.1, 0.0, True)


def test_the_least_loss_that_was_met_where_no_set_is_enough() -> None:
    # What int8 does to the rest of the network stays whatever is left in float.
    losses = {frozenset(): 0.5, frozenset("a"): 0.3, frozenset("b"): 0.4, frozenset("ab"): 0.35}
    found = smallest_set({"a": 1.0, "b": 1.0}, losses.__getitem__, 0.1)
    assert (found.floats, found.loss, found.reached) == (("a",), 0.3, False)


def test_the_cheapest_finisher_beats_the_best_ratio() -> None:
    """After "a" and "b" little is missing: "d" gains more for its cost than "c", and costs more than it needs to."""
    gains = {"a": 0.5, "b": 0.4, "c": 0.15, "d": 0.85}
    loss_of = Independent({name: gain**0.5 for name, gain in gains.items()})
    found = smallest_set({"a": 0.4, "b": 0.4, "c": 0.5, "d": 1.0}, loss_of, (sum(gains.values()) - 1.0) ** 0.5)
    assert found.floats == ("a", "b", "c")


def test_what_a_later_choice_makes_needless_goes_back() -> None:
    """Each choice is good when it is made, and the last one alone is enough."""
    losses = {
        frozenset(): 1.0, frozenset("a"): 0.5, frozenset("b"): 0.98, frozenset("c"): 0.99,
        frozenset("ab"): 0.3, frozenset("ac"): 0.45, frozenset("bc"): 0.2, frozenset("abc"): 0.1,
    }  # fmt: skip
    found = smallest_set({"a": 2.0, "b": 1.0, "c": 1.0}, losses.__getitem__, 0.2)
    assert found.floats == ("b", "c")


def test_neighbours_are_measured_anew() -> None:
    """Between two float layers nothing is rounded: the gain of "b" grows once "a" is chosen."""

    def loss_of(floats: frozenset[str]) -> float:
        squares = {"a": 0.30, "b": 0.05, "c": 0.20}
        left = sum(square for name, square in squares.items() if name not in floats)
        return float(np.sqrt(left + (0.45 if not {"a", "b"} <= floats else 0.0)))

    costs = dict.fromkeys("abc", 1.0)
    orders = [
        [sorted(step.floats) for step in forward(costs, loss_of, near=near)] for near in ({"a": "b", "b": "a"}, {})
    ]
    assert orders[0] == [[], ["a"], ["a", "b"], ["a", "b", "c"]]
    assert orders[1] == [[], ["a"], ["a", "c"], ["a", "b", "c"]]


def test_few_measurements_where_errors_are_independent() -> None:
    rng = np.random.default_rng(0)
    costs = {f"l{index}": float(cost) for index, cost in enumerate(rng.uniform(0.1, 1, 50))}
    loss_of = Independent({name: float(error) for name, error in zip(costs, rng.uniform(0, 1, 50), strict=True)})
    smallest_set(costs, loss_of, 0.3 * loss_of(frozenset()))
    assert len(set(loss_of.asked)) <= 4 * len(costs)


def hard() -> NetBuilder:
    """Seven layers whose channels differ a hundredfold, so that some lose much in int8 and others little."""
    net = NetBuilder((1, 3, 12, 12), seed=3)
    x = net.relu6(net.conv(net.input, 8, kernel=3, name="stem"))
    y = net.relu6(net.conv(x, 16, name="expand"))
    y = net.relu6(net.depthwise(y, name="dw"))
    x = net.node("Add", [net.conv(y, 8, name="project"), x], name="sum")
    x = net.relu6(net.depthwise(x, name="last.dw"))
    x = net.relu6(net.conv(x, 16, name="head"))
    net.gemm(net.node("Flatten", [net.node("GlobalAveragePool", [x])], axis=1), 6)
    rng = np.random.default_rng(4)
    for tensor in net.initializers:
        if tensor.name.endswith("dw.weight"):
            scale = 10.0 ** rng.uniform(-2, 0.3, (tensor.dims[0], 1, 1, 1))
            array = np.frombuffer(tensor.raw_data, np.float32).reshape(tensor.dims) * scale
            tensor.raw_data = array.astype(np.float32).tobytes()
    return net


@pytest.mark.parametrize("by", ["macs", "bytes"])
@pytest.mark.parametrize("share", [0.8, 0.5, 0.25])
def test_near_the_best_of_all_sets_of_a_real_network(measured, by, share) -> None:
    variants, losses = measured
    costs = layer_costs(variants.model, variants.layers, by)
    most = share * losses[frozenset()]
    found = smallest_set(costs, losses.__getitem__, most, near=neighbours(variants.model, variants.layers))
    assert found.reached
    assert found.cost <= 1.25 * best_of_all(costs, losses.__getitem__, most)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Every one of the 2^7 sets, quantised per tensor so that there is something to choose."""
    recipe = Recipe(ranges="minmax", weights="per-tensor", bias_correction="none")
    _, variants = variants_of(hard(), tmp_path_factory.mktemp("hard"), recipe=recipe, samples=2)
    return variants, {floats: variants.loss(floats) for floats in subsets(dict.fromkeys(variants.layers, 1.0))}


def test_costs_and_neighbours(tmp_path: Path) -> None:
    _, variants = variants_of(hard(), tmp_path)
    macs = layer_costs(variants.model, variants.layers, "macs")
    assert macs["stem"] == 8 * 3 * 9 * 144
    assert macs["dw"] == 16 * 9 * 144
    assert layer_costs(variants.model, variants.layers, "bytes")["fc"] == 3 * (16 * 6 + 6)
    near = neighbours(variants.model, variants.layers)
    assert near["dw"] == {"expand", "project"}
    # Through the sum.
    assert near["stem"] == {"expand", "last.dw"}
    assert near["fc"] == {"head"}
