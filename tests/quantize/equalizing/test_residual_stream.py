"""Quiet channels of a residual stream are turned up as far as its tensors allow, and nothing else changes."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from numpy.typing import NDArray
from sepia.graph.passes import canonicalize
from sepia.quantize.calibration.channel_statistics import channel_statistics
from sepia.quantize.equalizing.factors import shares
from sepia.quantize.equalizing.residual_stream import even_streams
from sepia.quantize.equalizing.streams import find_streams
from support.graphs import run_graph, tiny_separable
from support.quantising import normal_data

DATA = normal_data({"image": (1, 3, 16, 16)}, count=4)


def network() -> tuple[ir.Model, dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]]:
    model = canonicalize(ir.from_proto(tiny_separable()))
    names = [name for stream in find_streams(model) for name in stream.values]
    return model, {name: one.reach(1.0) for name, one in channel_statistics(model, names, DATA, where="net").items()}


def peaks(model: ir.Model, values: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
    """max |x| of each channel, from the arrays themselves."""
    runs = [run_graph(model, sample, also=values) for sample in DATA]
    return {name: np.abs(np.concatenate([run[name] for run in runs])).max(axis=(0, 2, 3)) for name in values}


def test_channels_fill_their_tensors_and_no_tensor_gets_wider() -> None:
    model, ends = network()
    (stream,) = (s for s in find_streams(model) if s.joined)
    found = even_streams(model, ends, strength=1.0)
    before, after = peaks(model, stream.values), peaks(found, stream.values)
    filled = np.zeros(stream.channels)
    for name in stream.values:
        assert after[name].max() == pytest.approx(before[name].max(), rel=1e-4)
        filled = np.maximum(filled, after[name] / after[name].max())
    np.testing.assert_allclose(filled, 1.0, rtol=1e-4)
    assert min(float((before[name] / before[name].max()).min()) for name in stream.values) < 0.7


def test_the_network_computes_the_same() -> None:
    model, ends = network()
    for strength in (0.5, 1.0):
        found = even_streams(model, ends, strength=strength)
        for sample in normal_data({"image": (1, 3, 16, 16)}, seed=9, count=2):
            right, seen = run_graph(model, sample)["logits"], run_graph(found, sample)["logits"]
            np.testing.assert_allclose(seen, right, rtol=0, atol=1e-5 * np.abs(right).max())


def test_strength_is_the_exponent_of_a_channels_share() -> None:
    model, ends = network()
    (stream,) = (s for s in find_streams(model) if s.joined)
    found = even_streams(model, ends, strength=0.5)
    before, after = (one.graph.initializers["block1.pw.weight"].const_value for one in (model, found))
    assert before is not None and after is not None
    grown = np.abs(after.numpy()).max(axis=(1, 2, 3)) / np.abs(before.numpy()).max(axis=(1, 2, 3))
    expected = np.zeros(stream.channels)
    for name, found_peaks in peaks(model, stream.values).items():
        assert name in ends
        expected = np.maximum(expected, found_peaks / found_peaks.max())
    np.testing.assert_allclose(shares(stream, ends), expected, rtol=1e-5)
    np.testing.assert_allclose(grown, expected**-0.5, rtol=1e-4)


def test_what_lies_behind_an_activation_is_left_alone() -> None:
    model, ends = network()
    found = even_streams(model, ends)
    for name in ("block2.dw.weight", "block3.dw.weight", "fc.weight"):
        one, other = (m.graph.initializers[name].const_value for m in (model, found))
        assert one is not None and other is not None
        np.testing.assert_array_equal(one.numpy(), other.numpy())
