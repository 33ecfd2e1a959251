"""What is seen of a tensor, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.graph.quantization import QuantParams
from sepia.quantize.diagnosis.along_depth import Seen, decibel


@settings(max_examples=30, deadline=None)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=5),
    samples=st.integers(1, 3),
    seed=st.integers(0, 99),
    dtype=st.sampled_from(["uint8", "int8"]),
)
def test_sums_are_those_of_plain_loops(shape: list[int], samples: int, seed: int, dtype: str) -> None:
    rng = np.random.default_rng(seed)
    grid = QuantParams(np.array([0.02], np.float32), np.array([100 if dtype == "uint8" else -28]), dtype)
    channels = shape[1] if len(shape) > 1 else 1
    seen = Seen()
    signal, noise, alone, shift = (np.zeros(channels) for _ in range(4))
    low, high = np.full(channels, np.inf), np.full(channels, -np.inf)
    codes = np.zeros(256, int)
    below = above = 0
    for _ in range(samples):
        real, quantised, local = (rng.normal(0, 2, shape).astype(np.float32) for _ in range(3))
        seen.add(real, quantised, local, grid)
        for index in np.ndindex(*shape):
            c = index[1] if len(shape) > 1 else 0
            x = real[index]
            signal[c] += float(x) ** 2
            noise[c] += float(quantised[index] - x) ** 2
            alone[c] += float(local[index] - x) ** 2
            shift[c] += float(local[index] - x)
            low[c], high[c] = min(low[c], x), max(high[c], x)
            code = round(float(x / np.float32(0.02))) + 100
            below += code < 0
            above += code > 255
            codes[min(max(code, 0), 255)] += 1
    for found, expected in ((seen.signal, signal), (seen.noise, noise), (seen.alone, alone), (seen.shift, shift)):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(seen.low, low)
    np.testing.assert_array_equal(seen.high, high)
    np.testing.assert_array_equal(seen.codes, codes)
    assert (seen.below, seen.above) == (below, above)
    assert seen.count * channels == samples * int(np.prod(shape))


def test_decibel() -> None:
    assert decibel(100.0, 1.0) == pytest.approx(20.0)
    assert decibel(0.0, 1.0) is None
    assert decibel(1.0, 0.0) is None
