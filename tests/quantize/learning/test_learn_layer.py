"""One layer's learned rounding: against brute force, against nearest rounding, and its parts against plain NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from sepia.graph.kinds import Kind
from sepia.graph.quantization import QuantParams
from sepia.quantize.layer import Layer, RoundedLayer
from sepia.quantize.learning.layer_rows import Rows
from sepia.quantize.learning.learn_layer import Learning, learn_layer, output_error, refit_bias
from sepia.quantize.ranges.grid import activation_grid
from sepia.quantize.rounding.weights import round_weights

GRID_IN = activation_grid(0.0, 6.0, "uint8")


def a_case(
    groups: int, width: int, outs: int, rows: int = 600, *, seed: int = 0, low: float = -20.0, high: float = 20.0
) -> tuple[Layer, RoundedLayer, Rows, QuantParams]:
    """Inputs that are alike, as neighbouring pixels are, so that errors of weights add up or cancel."""
    rng = np.random.default_rng(seed)
    common = rng.gamma(1.0, 40.0, (groups, rows, 1))
    codes = np.clip(common + rng.normal(0, 15, (groups, rows, width)), 0, 255).astype(np.uint8)
    weight = rng.normal(0, 1, (groups * outs, width, 1, 1)).astype(np.float32)
    bias = rng.normal(0, 0.3, groups * outs).astype(np.float32)
    kind = Kind.POINTWISE if groups == 1 else Kind.GROUPED
    layer = Layer("l", kind, "x", "y", weight, bias, group=groups, strides=(1, 1), dilations=(1, 1),
                  pads=((0, 0), (0, 0)), output_size=(1, 1))  # fmt: skip
    scale = np.abs(weight).reshape(groups * outs, -1).max(axis=1) / 7  # coarse: rounding matters
    given = round_weights(layer, scale.astype(np.float32))
    grid_out = activation_grid(low, high, "uint8")
    target = np.einsum("grk,gok->gro", GRID_IN.dequantize(codes), weight.reshape(groups, outs, width))
    target = np.clip(target + bias.reshape(groups, 1, outs), low, high).astype(np.float32)
    return layer, given, Rows(codes, target), grid_out


def slow_outputs(layer: Layer, rounded: RoundedLayer, rows: Rows, grid_out: QuantParams) -> NDArray[np.float64]:
    """[G, R, C_out/G] before rounding, clipped to the grid's ends."""
    groups, count, _ = rows.codes.shape
    outs = layer.channels_out // groups
    found = np.zeros((groups, count, outs))
    for group, row, out in itertools.product(range(groups), range(count), range(outs)):
        channel = group * outs + out
        real = (rows.codes[group, row].astype(float) - int(GRID_IN.zero_point[0])) * float(GRID_IN.scale[0])
        found[group, row, out] = real @ rounded.weight[channel].reshape(-1).astype(float) + rounded.bias[channel]
    low, high = grid_out.dequantize(np.array([0, 255]))
    return np.clip(found, low, high)


def test_output_error_by_loops() -> None:
    layer, given, rows, grid_out = a_case(2, 4, 3, 40, low=-2.0, high=3.0)
    wrong = slow_outputs(layer, given, rows, grid_out) - rows.target
    right = np.square(wrong).mean(axis=1).reshape(-1)
    np.testing.assert_allclose(output_error(layer, given, rows, GRID_IN, grid_out), right, rtol=1e-4)
    assert right.min() > 0


@pytest.mark.parametrize("ends", [(-20.0, 20.0), (0.0, 3.0)])
def test_refitted_bias_gives_each_channel_its_mean(ends: tuple[float, float]) -> None:
    layer, given, rows, grid_out = a_case(2, 6, 3, 300, low=ends[0], high=ends[1])
    refitted = refit_bias(layer, given, rows, GRID_IN, grid_out)
    np.testing.assert_array_equal(refitted.codes, given.codes)
    before = slow_outputs(layer, given, rows, grid_out).mean(axis=1) - rows.target.mean(axis=1)
    after = slow_outputs(layer, refitted, rows, grid_out).mean(axis=1) - rows.target.mean(axis=1)
    assert np.abs(before).max() > 0.02
    assert np.abs(after).max() < 0.002


def test_a_channel_that_never_fires_keeps_its_bias() -> None:
    layer, given, rows, grid_out = a_case(2, 6, 1, 300, low=0.0, high=3.0)
    dead = RoundedLayer(given.codes, given.scale, np.array([-1000.0, 0.0], np.float32))
    rows.target[0] = 0.0
    refitted = refit_bias(layer, dead, rows, GRID_IN, grid_out)
    assert refitted.bias[0] == -1000.0
    assert refitted.bias[1] != 0.0


def test_depthwise_comes_near_the_best_of_all_roundings() -> None:
    """3×3 weights a channel: 512 roundings, each with the bias that suits it best."""
    layer, given, rows, grid_out = a_case(16, 9, 1, low=-80.0, high=80.0)
    learned = learn_layer(layer, given, rows, GRID_IN, grid_out, limit=127, seed=0, how=Learning(ridge=0.0))
    error = output_error(layer, learned, rows, GRID_IN, grid_out)
    nearest = output_error(layer, refit_bias(layer, given, rows, GRID_IN, grid_out), rows, GRID_IN, grid_out)
    ups = np.array(list(itertools.product((0, 1), repeat=9)))
    exact = layer.weight.reshape(16, 9) / given.scale[:, None]
    ranks, ratios = [], []
    for channel in range(16):
        codes = np.floor(exact[channel]) + ups
        real = GRID_IN.dequantize(rows.codes[channel]).astype(float)
        wrong = real @ ((codes - exact[channel]) * given.scale[channel]).T
        errors = wrong.var(axis=0)  # the bias takes the mean
        ranks.append(int((errors < error[channel] * 0.9999).sum()))
        ratios.append(error[channel] / errors.min())
    assert (error <= nearest * 1.0001).all()
    assert max(ranks) <= 10, ranks
    assert np.median(ranks) == 0, ranks
    assert np.exp(np.mean(np.log(ratios))) < 1.05, ratios
    # Nearest rounding is far from that, or the test would show nothing.
    assert np.exp(np.mean(np.log(nearest / error))) > 1.5


@pytest.mark.parametrize(("shape", "share"), [((1, 24, 6), 0.6), ((4, 6, 3), 0.9)])
def test_less_error_than_nearest_on_inputs_not_seen(shape: tuple[int, int, int], share: float) -> None:
    """Among the roundings of 24 weights there is a better one than among those of 6."""
    layer, given, rows, grid_out = a_case(*shape, low=0.0, high=6.0)
    seen = Rows(rows.codes[:, :400], rows.target[:, :400])
    unseen = Rows(rows.codes[:, 400:], rows.target[:, 400:])
    learned = learn_layer(layer, given, seen, GRID_IN, grid_out, limit=127, seed=0, how=Learning(steps=500))
    nearest = refit_bias(layer, given, seen, GRID_IN, grid_out)
    for part in (seen, unseen):
        found = output_error(layer, learned, part, GRID_IN, grid_out).mean()
        assert found < share * output_error(layer, nearest, part, GRID_IN, grid_out).mean()
    exact = layer.weight / layer.per_channel(given.scale)
    assert (np.abs(learned.codes - exact) < 1.0001).all()
    assert (learned.codes != given.codes).any()
    np.testing.assert_array_equal(learned.scale, given.scale)


def test_the_same_seed_gives_the_same_codes() -> None:
    layer, given, rows, grid_out = a_case(1, 16, 4)
    one, again, other = (
        learn_layer(layer, given, rows, GRID_IN, grid_out, limit=127, seed=seed, how=Learning(steps=60, batch=32))
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.codes, again.codes)
    np.testing.assert_array_equal(one.bias, again.bias)
    assert (one.bias != other.bias).any()


def test_takes_back_an_error_that_comes_with_the_input() -> None:
    """The target is the float output of other inputs than those read: weights are fitted to what is read."""
    layer, given, rows, grid_out = a_case(1, 12, 4)
    shrunk = Rows((rows.codes * 0.9).astype(np.uint8), rows.target)
    learned = learn_layer(layer, given, shrunk, GRID_IN, grid_out, limit=127, seed=0, how=Learning(steps=200))
    nearest = refit_bias(layer, given, shrunk, GRID_IN, grid_out)
    found = output_error(layer, learned, shrunk, GRID_IN, grid_out)
    assert found.sum() < 0.8 * output_error(layer, nearest, shrunk, GRID_IN, grid_out).sum()


def test_codes_keep_to_the_limit() -> None:
    layer, given, rows, grid_out = a_case(1, 8, 4)
    scale = (np.abs(layer.weight).reshape(4, -1).max(axis=1) / 64).astype(np.float32)
    given = round_weights(layer, scale, limit=64)
    learned = learn_layer(layer, given, rows, GRID_IN, grid_out, limit=64, seed=0, how=Learning(steps=40))
    assert np.abs(learned.codes.astype(int)).max() <= 64
