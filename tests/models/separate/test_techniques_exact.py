"""All techniques by the same rules: exact at full rank, right in between, never worse with data, counted as told."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sepia.models.separate import depthwise_pointwise, low_rank_pointwise, pointwise_depthwise, spatial
from sepia.models.separate.convolution import Convolution
from sepia.models.separate.fit import response_error, weight_error
from support.slow_convolutions import convolutions, data_of, made, run, run_factored, seen

TECHNIQUES = (depthwise_pointwise, pointwise_depthwise, spatial, low_rank_pointwise)
NAMES = [technique.NAME for technique in TECHNIQUES]


def drawn_for(technique: ModuleType, data: st.DataObject) -> Convolution:
    convolution = data.draw(convolutions(kernels=1 if technique is low_rank_pointwise else 3))
    assume(technique.most(convolution) > 0)
    return convolution


@pytest.mark.parametrize("technique", TECHNIQUES, ids=NAMES)
@given(st.data())
@settings(max_examples=25, deadline=None)
def test_at_full_rank_it_is_the_same_layer(technique: ModuleType, data: st.DataObject) -> None:
    convolution = drawn_for(technique, data)
    values = seen(convolution, samples=2)
    wanted = run(convolution, values)
    for known in (None, data_of(convolution, values)):
        factored = technique.separate(convolution, technique.most(convolution), known)
        assert weight_error(convolution, factored.weight) < 1e-3 if known is None else True
        np.testing.assert_allclose(run_factored(factored, values), wanted, atol=2e-4 * (1 + np.abs(wanted).max()))


@pytest.mark.parametrize("technique", TECHNIQUES, ids=NAMES)
@given(st.data())
@settings(max_examples=25, deadline=None)
def test_at_any_rank_it_computes_what_its_weight_says_and_costs_what_its_formula_says(
    technique: ModuleType, data: st.DataObject
) -> None:
    convolution = drawn_for(technique, data)
    rank = data.draw(st.integers(1, technique.most(convolution)))
    values = seen(convolution, samples=2)
    factored = technique.separate(convolution, rank, data_of(convolution, values) if data.draw(st.booleans()) else None)
    assert factored.macs == technique.macs(convolution, rank)
    biases = 0 if factored.bias is None else factored.bias.size
    assert factored.params == technique.params(convolution, rank) + biases
    assert all(branch[-1].size_out == convolution.size_out for branch in factored.branches)
    one = Convolution(
        "one",
        factored.weight.reshape(convolution.weight.shape).astype(np.float32),
        factored.bias,
        convolution.strides,
        convolution.pads,
        convolution.dilations,
        convolution.size_in,
        convolution.size_out,
    )
    wanted = run(one, values)
    np.testing.assert_allclose(run_factored(factored, values), wanted, atol=1e-4 * (1 + np.abs(wanted).max()))


@pytest.mark.parametrize("technique", TECHNIQUES, ids=NAMES)
@given(st.data())
@settings(max_examples=25, deadline=None)
def test_with_data_the_responses_are_never_further_off(technique: ModuleType, data: st.DataObject) -> None:
    convolution = drawn_for(technique, data)
    rank = data.draw(st.integers(1, technique.most(convolution)))
    known = data_of(convolution, seen(convolution, samples=4))
    blind, seeing = technique.separate(convolution, rank), technique.separate(convolution, rank, known)
    least = response_error(convolution, blind.weight, blind.bias, known)
    assert response_error(convolution, seeing.weight, seeing.bias, known) <= least + 1e-5
    assert weight_error(convolution, seeing.weight) >= weight_error(convolution, blind.weight) - 1e-6


@pytest.mark.parametrize("technique", TECHNIQUES, ids=NAMES)
def test_more_terms_are_nearer_and_data_gains(technique: ModuleType) -> None:
    convolution = made((12, 8, 1, 1) if technique is low_rank_pointwise else (12, 8, 3, 3), (9, 9))
    known = data_of(convolution, seen(convolution))
    ranks = sorted({1, 2, technique.most(convolution) // 2})
    blind, seeing = ([technique.separate(convolution, rank, data) for rank in ranks] for data in (None, known))
    errors = [response_error(convolution, one.weight, one.bias, known) for one in seeing]
    assert errors == sorted(errors, reverse=True)
    without = [response_error(convolution, one.weight, one.bias, known) for one in blind]
    assert all(with_ < 0.95 * blindly for with_, blindly in zip(errors, without, strict=True))


@pytest.mark.parametrize("technique", TECHNIQUES, ids=NAMES)
def test_the_response_error_is_the_one_that_is_measured(technique: ModuleType) -> None:
    """Without padding every window is a real one, and all are looked at."""
    kernel = (1, 1) if technique is low_rank_pointwise else (3, 3)
    convolution = made((5, 4, *kernel), (8, 7), pads=((0, 0), (0, 0)))
    values = seen(convolution, samples=5)
    known = data_of(convolution, values)
    exact = run(convolution, values)
    spread = np.sqrt(np.square(exact - exact.mean(axis=(0, 2, 3), keepdims=True)).sum(axis=1).mean())
    for data in (None, known):
        factored = technique.separate(convolution, 1, data)
        error = np.sqrt(np.square(run_factored(factored, values) - exact).sum(axis=1).mean())
        told = response_error(convolution, factored.weight, factored.bias, known)
        assert told == pytest.approx(error / spread, rel=1e-4)


@pytest.mark.parametrize(
    ("technique", "shape"),
    [
        (depthwise_pointwise, (4, 1, 3, 3)),
        (pointwise_depthwise, (1, 4, 3, 3)),
        (spatial, (4, 4, 3)),
        (spatial, (4, 4, 3, 1)),
        (low_rank_pointwise, (4, 4, 3, 3)),
    ],
    ids=lambda case: getattr(case, "NAME", str(case)),
)
def test_where_it_makes_nothing_it_says_so(technique: ModuleType, shape: tuple[int, ...]) -> None:
    assert technique.most(made(shape, (9,) * (len(shape) - 2))) == 0
