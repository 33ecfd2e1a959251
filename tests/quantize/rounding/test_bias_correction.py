"""After correction a layer's mean output is the float one."""

from __future__ import annotations

import numpy as np
from sepia.graph.kinds import Kind
from sepia.quantize.calibration.tap_means import TapMeans
from sepia.quantize.layer import Layer
from sepia.quantize.rounding.bias_correction import correct_bias
from sepia.quantize.rounding.weights import round_weights


def test_mean_outputs_are_the_float_ones_borders_and_all() -> None:
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 1, (6, 1, 3, 3)).astype(np.float32)
    bias = rng.normal(0, 1, 6).astype(np.float32)
    layer = Layer("dw", Kind.DEPTHWISE, "x", "y", weight, bias, 6, (1, 1), (1, 1), ((1, 1), (1, 1)), (5, 5))
    # Far from zero, so that rounding has a mean error, and not alike everywhere, so that borders matter.
    samples = rng.uniform(1, 4, (10, 6, 5, 5)) * np.linspace(0.2, 2, 5)
    means = TapMeans(layer)
    for sample in samples.astype(np.float32):
        means.add(sample[np.newaxis])
    rounded = round_weights(layer, np.full(6, 0.3, np.float32))
    corrected = correct_bias(layer, rounded, means.means())

    def mean_outputs(taps: np.ndarray, offset: np.ndarray) -> np.ndarray:
        padded = np.pad(samples, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        return np.einsum("nchwij,cij->nchw", windows, taps[:, 0]).mean(axis=(0, 2, 3)) + offset

    expected = mean_outputs(weight, bias)
    assert np.abs(mean_outputs(rounded.weight, rounded.bias) - expected).max() > 0.1
    np.testing.assert_allclose(mean_outputs(corrected.weight, corrected.bias), expected, atol=1e-4)
    np.testing.assert_array_equal(corrected.codes, rounded.codes)
