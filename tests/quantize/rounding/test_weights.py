"""Weights on their grid: nearest codes, scales that keep int32 from overflowing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sepia.graph.kinds import Kind
from sepia.quantize.layer import Layer, RoundedLayer
from sepia.quantize.rounding.weights import (
    ACCUMULATOR_MOST,
    bias_codes,
    code_limit,
    fit_accumulator,
    headroom,
    raised_channels,
    round_weights,
    weight_scale,
)

Floats = NDArray[np.float32]


def layer_of(weight: Floats, bias: Floats | None = None) -> Layer:
    bias = np.zeros(weight.shape[0], np.float32) if bias is None else bias
    return Layer("layer", Kind.POINTWISE, "x", "y", weight, bias)


def largest_sum(rounded: RoundedLayer, scale_in: float) -> list[int]:
    """The largest magnitude an accumulator can reach, channel by channel, in Python's integers."""
    biases = bias_codes(rounded, scale_in)
    sums = []
    for channel, codes in enumerate(rounded.codes.reshape(rounded.codes.shape[0], -1)):
        sums.append(sum(255 * abs(int(code)) for code in codes) + abs(int(biases[channel])))
    return sums


@given(hnp.arrays(np.float32, (3, 4, 2), elements=st.floats(-100, 100, width=32)), st.booleans())
def test_codes_are_the_nearest_on_the_channels_grid(weight: Floats, safe: bool) -> None:
    limit = code_limit(safe)
    layer = layer_of(weight)
    scale = weight_scale(layer, 0.02, 0.05, limit=limit)
    rounded = round_weights(layer, scale, limit=limit)
    for channel in range(3):
        grid = np.arange(-limit, limit + 1) * np.float64(scale[channel])
        for value, code in zip(weight[channel].flat, rounded.codes[channel].flat, strict=True):
            best = np.abs(grid - value).min()
            assert abs(int(code) * np.float64(scale[channel]) - value) <= best + 1e-4 * scale[channel]
        if np.abs(weight[channel]).max() > 1e-3:
            assert np.abs(rounded.codes[channel].astype(int)).max() == limit


def test_limits() -> None:
    assert code_limit(False) == 127
    assert 2 * 255 * code_limit(True) <= np.iinfo(np.int16).max < 2 * 255 * (code_limit(True) + 1)


def test_a_dead_channel_keeps_its_bias_and_leaves_the_others_alone() -> None:
    weight = np.random.default_rng(0).normal(0, 1, (4, 9)).astype(np.float32)
    weight[1] = 0.0
    weight[2] = 1e-20
    bias = np.array([0.5, 5.0, -3.0, 0.0], np.float32)
    layer = layer_of(weight, bias)
    scale = weight_scale(layer, 0.01, 0.02)
    rounded = fit_accumulator(round_weights(layer, scale), layer, 0.01)
    real_bias = bias_codes(rounded, 0.01) * (np.float32(0.01) * rounded.scale).astype(np.float64)
    np.testing.assert_allclose(real_bias, bias, rtol=1e-6, atol=0.01 / 2 * float(scale[0]))
    np.testing.assert_allclose(rounded.scale[[0, 3]], np.abs(weight[[0, 3]]).max(axis=1) / 127, rtol=1e-6)
    assert raised_channels(layer, rounded).tolist() == [False, True, True, False]


def test_the_floor_leaves_half_of_int32_to_the_products() -> None:
    layer = layer_of(np.full((2, 3), 1e-12, np.float32), np.array([7.0, 0.0], np.float32))
    scale = weight_scale(layer, 0.01, 1e-9)
    assert scale[0] == pytest.approx(7.0 / (0.01 * 2**30), rel=1e-6)
    assert scale[1] < scale[0] / 1000


def test_a_layer_of_zeros_has_scales_that_kernels_take() -> None:
    layer = layer_of(np.zeros((2, 3), np.float32))
    scale = weight_scale(layer, 0.01, 0.02)
    assert (scale * 0.01 / 0.02 >= 2.0**-32).all()
    assert not round_weights(layer, scale).codes.any()


@given(
    hnp.arrays(np.float32, (3, 5), elements=st.floats(-2, 2, width=32)),
    hnp.arrays(np.float32, 3, elements=st.floats(-1e6, 1e6, width=32)),
    st.floats(1e-6, 10),
)
def test_accumulators_cannot_overflow(weight: Floats, bias: Floats, scale_in: float) -> None:
    layer = layer_of(weight, bias)
    rounded = fit_accumulator(round_weights(layer, weight_scale(layer, scale_in, 0.1)), layer, scale_in)
    assert (headroom(rounded, scale_in) >= 0).all()
    assert max(largest_sum(rounded, scale_in)) <= ACCUMULATOR_MOST


def test_headroom_is_what_is_left_in_plain_integers() -> None:
    weight = np.random.default_rng(0).normal(0, 1, (3, 7)).astype(np.float32)
    layer = layer_of(weight, np.array([0.0, 1.0, -200.0], np.float32))
    rounded = round_weights(layer, weight_scale(layer, 0.02, 0.05))
    left = [ACCUMULATOR_MOST - most for most in largest_sum(rounded, 0.02)]
    assert np.abs(headroom(rounded, 0.02) - left).max() <= 1


def test_a_bias_that_grew_raises_the_scale_of_its_channel_alone() -> None:
    weight = np.random.default_rng(0).normal(0, 1, (3, 7)).astype(np.float32)
    layer = layer_of(weight)
    rounded = round_weights(layer, weight_scale(layer, 0.01, 0.05))
    grown = replace(rounded, bias=np.array([0.0, 3e6, 0.0], np.float32))
    assert headroom(grown, 0.01)[1] < 0
    fitted = fit_accumulator(grown, layer, 0.01)
    assert (headroom(fitted, 0.01) >= 0).all()
    np.testing.assert_array_equal(fitted.scale[[0, 2]], rounded.scale[[0, 2]])
    np.testing.assert_array_equal(fitted.codes[[0, 2]], rounded.codes[[0, 2]])
    assert bias_codes(fitted, 0.01)[1] * (np.float32(0.01) * fitted.scale[1]) == pytest.approx(3e6, rel=1e-6)


def test_more_products_than_int32_holds() -> None:
    # 255 · 127 · 70 000 is past 2^31.
    layer = layer_of(np.ones((1, 70_000), np.float32))
    rounded = round_weights(layer, weight_scale(layer, 0.01, 1.0))
    assert headroom(rounded, 0.01)[0] < 0
    fitted = fit_accumulator(rounded, layer, 0.01)
    assert largest_sum(fitted, 0.01)[0] <= ACCUMULATOR_MOST
    np.testing.assert_allclose(fitted.weight, 1.0, rtol=0.02)
