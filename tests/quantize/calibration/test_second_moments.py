"""What a layer's weights see, against convolving one product at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.graph.kinds import Kind
from sepia.quantize.calibration.second_moments import SecondMoments, windows
from sepia.quantize.layer import Layer
from support.drawn_layers import drawn_layers, slow_output


@pytest.mark.parametrize("transposed", [False, True], ids=["conv", "transposed"])
@pytest.mark.parametrize("dimensions", [1, 2])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_windows_times_weights_are_the_outputs(data: st.DataObject, dimensions: int, transposed: bool) -> None:
    layer, samples = data.draw(drawn_layers(dimensions, transposed=transposed))
    seen = windows(layer, samples, 10_000)
    weight = layer.weight.reshape(layer.group, -1, seen.shape[2])
    found = np.einsum("gpk,gok->gop", seen, weight).reshape(layer.channels_out, len(samples), *layer.output_size)
    expected = [slow_output(layer, sample.astype(np.float64), layer.weight.astype(np.float64)) for sample in samples]
    np.testing.assert_allclose(found.swapaxes(0, 1), expected, rtol=1e-4, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_error_of_the_outputs_is_a_quadratic_form(data: st.DataObject) -> None:
    """The variance over positions of what other weights change is that of the formula, channel by channel."""
    layer, samples = data.draw(drawn_layers(2))
    moments = SecondMoments(layer)
    for sample in samples:
        moments.add(sample[np.newaxis])
    change = np.random.default_rng(0).normal(0, 1, layer.weight.shape)
    outputs = np.stack([slow_output(layer, sample.astype(np.float64), change) for sample in samples], axis=1)
    rows = change.reshape(layer.group, -1, moments.means().shape[1])
    found = np.einsum("gok,gkl,gol->go", rows, moments.covariance(), rows).reshape(-1)
    expected = outputs.reshape(layer.channels_out, -1).var(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    mean = np.einsum("gok,gk->go", rows, moments.means()).reshape(-1)
    np.testing.assert_allclose(mean, outputs.reshape(layer.channels_out, -1).mean(axis=1), rtol=1e-4, atol=1e-5)


def test_a_depthwise_layer_has_a_small_matrix_a_channel() -> None:
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 1, (4, 1, 3, 3)).astype(np.float32)
    layer = Layer(
        "dw", Kind.DEPTHWISE, "x", "y", weight, np.zeros(4, np.float32), 4,
        (1, 1), (1, 1), ((1, 1), (1, 1)), (40, 40),
    )  # fmt: skip
    moments = SecondMoments(layer)
    for _ in range(3):
        moments.add(rng.normal(0, 1, (1, 4, 40, 40)).astype(np.float32))
    assert moments.covariance().shape == (4, 9, 9)
    assert moments.count == pytest.approx(3 * 128, rel=0.15)


def test_samples_show_other_positions() -> None:
    weight = np.ones((1, 1, 1, 1), np.float32)
    layer = Layer(
        "pw", Kind.POINTWISE, "x", "y", weight, np.zeros(1, np.float32), 1, (1, 1), (1, 1), ((0, 0), (0, 0)), (10, 10)
    )
    image = np.arange(100, dtype=np.float32).reshape(1, 1, 10, 10)
    shown = [windows(layer, image, 25, first=index).reshape(-1) for index in range(4)]
    assert all(len(values) == 25 for values in shown)
    assert sorted(np.concatenate(shown)) == list(range(100))


def test_fully_connected() -> None:
    samples = np.random.default_rng(0).normal(1, 2, (50, 3)).astype(np.float32)
    layer = Layer("fc", Kind.FULLY_CONNECTED, "x", "y", np.eye(3, dtype=np.float32), np.zeros(3, np.float32))
    moments = SecondMoments(layer)
    for sample in samples:
        moments.add(sample[np.newaxis])
    np.testing.assert_allclose(moments.covariance()[0], np.cov(samples.T, bias=True), rtol=1e-4, atol=1e-5)
