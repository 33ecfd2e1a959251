"""Means by tap against convolving, position by position."""

from __future__ import annotations

import numpy as np
import pytest
import sepia.quantize.calibration.tap_means as module
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sepia.graph.kinds import Kind
from sepia.quantize.calibration.tap_means import TapMeans, mean_output
from sepia.quantize.layer import Layer
from support.drawn_layers import drawn_layers, slow_output


def check(layer: Layer, samples: NDArray[np.float32]) -> None:
    means = TapMeans(layer)
    for sample in samples:
        means.add(sample[np.newaxis])
    weight = layer.weight.astype(np.float64)
    outputs = [slow_output(layer, sample.astype(np.float64), weight) for sample in samples]
    expected = np.mean(outputs, axis=0).reshape(layer.channels_out, -1).mean(axis=1)
    np.testing.assert_allclose(mean_output(layer, layer.weight, means.means()), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("small", [0, 10_000], ids=["sums along the axes", "one product"])
@pytest.mark.parametrize("transposed", [False, True], ids=["conv", "transposed"])
@pytest.mark.parametrize("dimensions", [1, 2])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_mean_output_is_that_of_every_position(
    data: st.DataObject, dimensions: int, transposed: bool, small: int
) -> None:
    before, module._SMALL = module._SMALL, small
    try:
        check(*data.draw(drawn_layers(dimensions, transposed=transposed)))
    finally:
        module._SMALL = before


@pytest.mark.parametrize("small", [0, 10_000])
def test_three_dimensions(monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    monkeypatch.setattr(module, "_SMALL", small)
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 1, (4, 1, 3, 1, 2)).astype(np.float32)
    layer = Layer(
        "dw", Kind.DEPTHWISE, "x", "y", weight, np.zeros(4, np.float32), 4,
        (2, 1, 1), (1, 1, 1), ((1, 1), (0, 0), (1, 0)), (3, 4, 5),
    )  # fmt: skip
    check(layer, rng.normal(0, 1, (2, 4, 6, 4, 5)).astype(np.float32))


def test_pointwise_and_fully_connected() -> None:
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 1, (5, 3, 1, 1)).astype(np.float32)
    pointwise = Layer(
        "pw", Kind.POINTWISE, "x", "y", weight, np.zeros(5, np.float32), 1, (1, 1), (1, 1), ((0, 0), (0, 0)), (40, 40)
    )
    check(pointwise, rng.normal(0, 1, (2, 3, 40, 40)).astype(np.float32))
    linear = Layer("fc", Kind.FULLY_CONNECTED, "x", "y", weight[:, :, 0, 0], np.zeros(5, np.float32))
    means = TapMeans(linear)
    samples = rng.normal(0, 1, (4, 3)).astype(np.float32)
    for sample in samples:
        means.add(sample[np.newaxis])
    expected = (samples @ linear.weight.T).mean(axis=0)
    np.testing.assert_allclose(mean_output(linear, linear.weight, means.means()), expected, rtol=1e-5)


def test_a_batch_counts_as_its_samples() -> None:
    rng = np.random.default_rng(0)
    linear = Layer("fc", Kind.FULLY_CONNECTED, "x", "y", np.eye(3, dtype=np.float32), np.zeros(3, np.float32))
    samples = rng.normal(0, 1, (6, 3)).astype(np.float32)
    means = TapMeans(linear)
    means.add(samples[:4])
    means.add(samples[4:])
    np.testing.assert_allclose(means.means()[:, 0], samples.mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize("channels", [12, 13])
def test_products_of_a_few_channels_at_a_time(channels: int) -> None:
    # 32 · 32 positions by 25 taps: ten channels make 2^18 multiplications.
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 1, (channels, 1, 5, 5)).astype(np.float32)
    layer = Layer(
        "dw", Kind.DEPTHWISE, "x", "y", weight, np.zeros(channels, np.float32), channels,
        (1, 1), (1, 1), ((2, 2), (2, 2)), (32, 32),
    )  # fmt: skip
    samples = rng.normal(1, 1, (2, channels, 32, 32)).astype(np.float32)
    means = TapMeans(layer)
    means.add(samples)
    padded = np.pad(samples.astype(np.float64), ((0, 0), (0, 0), (2, 2), (2, 2)))
    for tap in range(25):
        down, right = divmod(tap, 5)
        seen = padded[:, :, down : down + 32, right : right + 32].mean(axis=(0, 2, 3))
        np.testing.assert_allclose(means.means()[:, tap], seen, rtol=1e-4)
