"""Ends of weights' grids, against plain loops over every candidate; one scale a layer stays one into the files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sepia.graph.kinds import Kind
from sepia.quantize.layer import Layer
from sepia.quantize.recipes import Recipe
from sepia.quantize.rounding.weight_ranges import WeightRange, max_end, mse_end, percentile_end, weight_ends
from sepia.quantize.rounding.weights import fit_accumulator, headroom, round_weights, weight_scale
from support.graphs import tiny_separable
from support.quantising import quantised, with_values
from support.tflite_files import run_tflite, translated

Floats = NDArray[np.float32]


def layer_of(weight: Floats, bias: Floats | None = None) -> Layer:
    bias = np.zeros(weight.shape[0], np.float32) if bias is None else bias
    return Layer("layer", Kind.POINTWISE, "x", "y", weight, bias)


def error_of(weights: Floats, end: float, limit: int) -> float:
    step = end / limit if end > 0 else 1.0
    total = 0.0
    for weight in weights.reshape(-1).tolist():
        total += min((code * step - weight) ** 2 for code in range(-limit, limit + 1))
    return total


@pytest.mark.parametrize("per_tensor", [False, True])
def test_the_mse_end_has_the_least_error_of_its_candidates(per_tensor: bool) -> None:
    # Heavy tails, so that clipping pays; few codes, so that the loops end.
    weight = np.random.default_rng(0).standard_t(2, (3, 40)).astype(np.float32)
    found = weight_ends(layer_of(weight), mse_end, per_tensor=per_tensor, limit=7)
    for row, end in zip([weight] if per_tensor else weight, found, strict=False):
        most = float(np.abs(row).max())
        least = min(error_of(row, share * most, 7) for share in np.linspace(1, 0.3, 71))
        assert error_of(row, end, 7) == pytest.approx(least, rel=1e-6)
        assert end < most


@settings(deadline=None)
@given(hnp.arrays(np.float32, (3, 9), elements=st.floats(-50, 50, width=32)), st.sampled_from([64, 127]))
def test_no_method_goes_past_the_largest_weight_or_does_worse_than_it_in_its_own_measure(
    weight: Floats, limit: int
) -> None:
    layer, most = layer_of(weight), np.abs(weight).max(axis=1)
    methods: tuple[WeightRange, ...] = (max_end, mse_end, partial(percentile_end, percentile=90))
    for method in methods:
        assert (weight_ends(layer, method, per_tensor=False, limit=limit) <= most).all()
    np.testing.assert_array_equal(weight_ends(layer, max_end, per_tensor=True), [most.max()] * 3)

    def errors(ends: NDArray[np.float64]) -> NDArray[np.float64]:
        scale = np.where(ends > 0, ends / limit, 1.0)[:, None]
        squares = np.square(np.clip(np.rint(weight / scale), -limit, limit) * scale - weight)
        result: NDArray[np.float64] = squares.sum(axis=1)
        return result

    assert (errors(mse_end(weight, limit)) <= errors(max_end(weight, limit)) + 1e-9).all()


def test_a_percentile_leaves_its_share_of_the_weights_inside() -> None:
    weight = np.random.default_rng(1).normal(0, 1, (2, 1000)).astype(np.float32)
    for row, end in zip(weight, percentile_end(weight, 127, percentile=99.0), strict=True):
        assert (np.abs(row) <= end).sum() == 990
    whole = weight_ends(layer_of(weight), partial(percentile_end, percentile=99.0), per_tensor=True)
    assert (np.abs(weight) <= whole[0]).sum() == 1980
    np.testing.assert_allclose(percentile_end(weight, 127, percentile=100.0), max_end(weight, 127))


def test_the_floors_hold_for_one_scale_a_layer_too() -> None:
    weight = np.full((3, 4), 1e-9, np.float32)
    layer = layer_of(weight, np.array([0.0, 7.0, 0.0], np.float32))
    ends = weight_ends(layer, mse_end, per_tensor=True)
    scale = weight_scale(layer, 0.01, 1e-9, ends=ends, per_tensor=True)
    np.testing.assert_allclose(scale, 7.0 / (0.01 * 2**30), rtol=1e-6)


def test_one_scale_a_layer_stays_one_when_an_accumulator_must_fit() -> None:
    weight = np.random.default_rng(0).normal(0, 1, (3, 7)).astype(np.float32)
    layer = layer_of(weight, np.array([0.0, 3e6, 0.0], np.float32))
    rounded = round_weights(layer, np.full(3, 0.02, np.float32))
    assert (headroom(rounded, 0.001) < 0).tolist() == [False, True, False]
    fitted = fit_accumulator(rounded, layer, 0.001)
    assert fitted.per_tensor
    assert (headroom(fitted, 0.001) >= 0).all()


def test_a_file_with_one_scale_a_layer_holds_one_number_and_is_translated(tmp_path: Path) -> None:
    recipe = Recipe(name="one", weights="per-tensor", weight_ranges="mse")
    found = quantised(tiny_separable(), tmp_path, recipe=recipe, activations="int8")
    for name in ("stem.weight", "block1.dw.weight", "fc.weight", "stem.bias", "block1.dw.bias"):
        assert found.initializer(f"{name}_scale").shape == ()
        assert found.initializer(f"{name}_zero_point").shape == ()
    path, sample = translated(found.path), found.sample()
    (right,) = with_values(found.path, ["logits"], sample).values()
    (seen,) = run_tflite(path, sample).values()
    # End to end a rounding half goes either way in a few layers.
    assert np.abs(seen - right).max() <= 3 * found.scale("logits")
    assert np.ptp(right) > 20 * found.scale("logits")


def test_a_scale_a_channel_is_the_default(tmp_path: Path) -> None:
    found = quantised(tiny_separable(), tmp_path)
    assert found.initializer("stem.weight_scale").shape == (8,)


def test_a_recipes_ends_reach_the_file(tmp_path: Path) -> None:
    recipe = Recipe(weight_ranges="percentile", percentile=90)
    widest, found = (quantised(tiny_separable(), tmp_path, recipe=one) for one in (Recipe(), recipe))
    scales = [one.initializer("fc.weight_scale") for one in (widest, found)]
    assert (scales[1] < scales[0]).all()
    assert Recipe(weight_ranges="mse").weight_range is mse_end
