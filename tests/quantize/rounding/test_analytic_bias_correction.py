"""Means of clipped normal values against sums over the density, and the paper's correction in plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.graph.kinds import Kind
from sepia.quantize.layer import Layer
from sepia.quantize.rounding.analytic_bias_correction import clipped_normal_mean, means_by_tap
from sepia.quantize.rounding.bias_correction import correct_bias
from sepia.quantize.rounding.weights import round_weights

RELU, RELU6 = (0.0, np.inf), (0.0, 6.0)


@settings(deadline=None)
@given(
    st.floats(-20, 20),
    st.floats(0.01, 10),
    st.sampled_from([RELU, RELU6, (-1.0, 1.0), (-np.inf, 6.0), (-np.inf, np.inf)]),
)
def test_the_mean_is_that_of_many_values_spread_as_the_density_says(
    mean: float, std: float, ends: tuple[float, float]
) -> None:
    # The midpoint rule over 20 standard deviations.
    steps = (np.arange(200_000) + 0.5) / 200_000 * 20 - 10
    density = np.exp(-0.5 * steps**2) / np.sqrt(2 * np.pi)
    slow = float((np.clip(mean + std * steps, *ends) * density).sum() * 20 / 200_000)
    found = clipped_normal_mean(np.array([mean]), np.array([std]), *ends)
    assert found[0] == pytest.approx(slow, rel=1e-6, abs=1e-6)


def test_a_constant_channel_is_clipped_as_it_is() -> None:
    mean, std = np.array([-1.0, 2.0, 9.0]), np.zeros(3)
    np.testing.assert_array_equal(clipped_normal_mean(mean, std, *RELU6), [0.0, 2.0, 6.0])


def test_padding_is_seen_as_zeros_by_the_taps_that_see_it() -> None:
    weight = np.zeros((2, 2, 3), np.float32)
    layer = Layer("conv", Kind.STANDARD, "x", "y", weight, np.zeros(2, np.float32), 1, (1,), (1,), ((1, 1),), (5,))
    found = means_by_tap(layer, np.array([1.0, 10.0]), (5,))
    # Of five positions the first tap lies on the padding once, the last tap too.
    np.testing.assert_allclose(found, [[0.8, 1.0, 0.8], [8.0, 10.0, 8.0]])


def test_the_bias_takes_the_papers_error_out() -> None:
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(0, 1, (5, 4)).astype(np.float32), rng.normal(0, 1, 5).astype(np.float32)
    layer = Layer("fc", Kind.FULLY_CONNECTED, "x", "y", weight, bias)
    before, std = rng.normal(0, 1, 4), rng.uniform(0.1, 2, 4)
    rounded = round_weights(layer, np.full(5, 0.3, np.float32))
    means = means_by_tap(layer, clipped_normal_mean(before, std, *RELU), ())
    found = correct_bias(layer, rounded, means)
    x = np.maximum(before + std * rng.normal(0, 1, (400_000, 4)), 0.0)
    wanted, plain = x @ weight.T.astype(np.float64) + bias, x @ rounded.weight.T.astype(np.float64)
    error = (plain + bias - wanted).mean(axis=0)
    for channel in range(5):
        by_hand = sum((rounded.weight[channel, i] - weight[channel, i]) * means[i, 0] for i in range(4))
        assert found.bias[channel] == pytest.approx(bias[channel] - by_hand, rel=1e-5)
    assert np.abs(error).max() > 0.05
    assert np.abs((plain + found.bias - wanted).mean(axis=0)).max() < 0.003
