"""Rounding against what a layer reads: every layer's own error falls, and the network's with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sepia.quantize.calibration.second_moments import SecondMoments, windows
from sepia.quantize.calibration.staged import Staged
from sepia.quantize.fitted import Fitted, Task
from sepia.quantize.layer import Layer, RoundedLayer
from sepia.quantize.loss import measure_loss
from sepia.quantize.recipes import RECIPES, Recipe
from sepia.quantize.refinements import refinements
from sepia.quantize.rounding.by_second_moments import RIDGE, RIDGE_PER_TENSOR, round_by_second_moments, round_layer
from sepia.quantize.rounding.weights import headroom
from sepia.quantize.write_qdq import write_qdq
from support.fitted_tasks import fitted_task, inverted_residuals, smooth_data


def outputs(layer: Layer, seen: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float64]:
    rows = weight.astype(np.float64).reshape(layer.group, -1, seen.shape[2])
    return np.einsum("gpk,gok->gop", seen, rows).reshape(layer.channels_out, -1)


def error(layer: Layer, seen: NDArray[np.float32], rounded: RoundedLayer) -> float:
    """Mean square of what the layer puts out beside float weights and bias, its inputs given."""
    off = outputs(layer, seen, rounded.weight - layer.weight) + (rounded.bias - layer.bias).astype(np.float64)[:, None]
    return float(np.square(off).mean())


def inputs(task: Task, fitted: Fitted, layer: Layer) -> NDArray[np.float32]:
    with Staged(task) as staged:
        codes = list(staged.codes(layer.source, fitted, []))
    grid = fitted.grids[layer.source]
    return np.concatenate([windows(layer, grid.dequantize(one), 10_000) for one in codes], axis=1)


def test_every_layer_errs_less_on_what_it_reads(tmp_path: Path) -> None:
    task, fitted = fitted_task(inverted_residuals(), tmp_path, samples=12)
    better = round_by_second_moments(task, fitted)
    assert better.grids is fitted.grids
    for layer in task.placement.layers:
        seen = inputs(task, better, layer)
        near = fitted.rounded[layer.name]
        assert np.array_equal(better.rounded[layer.name].scale, near.scale)
        assert error(layer, seen, better.rounded[layer.name]) <= error(layer, seen, near) + 1e-12
        assert (headroom(better.rounded[layer.name], float(fitted.grids[layer.source].scale[0])) >= 0).all()


def test_the_bias_takes_the_mean_of_the_error_away(tmp_path: Path) -> None:
    task, fitted = fitted_task(inverted_residuals(), tmp_path, samples=4)
    layer = task.placement.layers[1]
    seen = inputs(task, fitted, layer)
    moments = SecondMoments(layer)
    with Staged(task) as staged:
        for codes in staged.codes(layer.source, fitted, []):
            moments.add(fitted.grids[layer.source].dequantize(codes))
    found = round_layer(layer, fitted.rounded[layer.name], moments, limit=127)
    off = outputs(layer, seen, found.weight - layer.weight) + (found.bias - layer.bias).astype(np.float64)[:, None]
    np.testing.assert_allclose(off.mean(axis=1), 0.0, atol=1e-5)
    assert np.abs(off).max() > 1e-4


def test_the_network_errs_less_on_samples_that_it_did_not_see(tmp_path: Path) -> None:
    """Coarse weights, so that their rounding is nearly all of the error."""
    task, fitted = fitted_task(inverted_residuals(), tmp_path, data=smooth_data(24))
    coarse = replace(task, limit=7)
    scaled = {name: replace(one, scale=one.scale * np.float32(127 / 7)) for name, one in fitted.rounded.items()}
    near = replace(fitted, rounded={n: _nearest(task, n, one) for n, one in scaled.items()})
    better = round_by_second_moments(coarse, near)
    fresh = smooth_data(24, seed=2)
    before, after = (
        measure_loss(task.model, write_qdq(task.model, task.placement, one.grids, one.rounded), fresh, where="here")
        for one in (near, better)
    )
    assert after.relative < 0.9 * before.relative


def test_twice_the_same(tmp_path: Path) -> None:
    task, fitted = fitted_task(inverted_residuals(), tmp_path)
    one, other = round_by_second_moments(task, fitted), round_by_second_moments(task, fitted)
    for name in one.rounded:
        assert np.array_equal(one.rounded[name].codes, other.rounded[name].codes)
        assert np.array_equal(one.rounded[name].bias, other.rounded[name].bias)


def _nearest(task: Task, name: str, coarse: RoundedLayer) -> RoundedLayer:
    layer = next(layer for layer in task.placement.layers if layer.name == name)
    codes = np.clip(np.rint(layer.weight / layer.per_channel(coarse.scale)), -7, 7).astype(np.int8)
    return RoundedLayer(codes, coarse.scale, layer.bias)


def test_one_scale_a_layer_has_a_ridge_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[float] = []

    def told(_: Task, fitted: Fitted, *, ridge: float) -> Fitted:
        asked.append(ridge)
        return fitted

    monkeypatch.setattr("sepia.quantize.rounding.by_second_moments.round_by_second_moments", told)
    task, fitted = fitted_task(inverted_residuals(), tmp_path, data=smooth_data(2))
    for recipe in (RECIPES["default"], Recipe(rounding="second-moments", weights="per-tensor")):
        for _, refine in refinements(recipe):
            refine(task, fitted)
    assert asked == [RIDGE, RIDGE_PER_TENSOR]
