"""The formulas against NumPy loops, and where a rounding starts."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.graph.kinds import Kind
from sepia.quantize.layer import Layer, RoundedLayer
from sepia.quantize.learning.soft_rounding import beta_schedule, rectified_sigmoid, regulariser, soft_rounding


def test_rectified_sigmoid_is_equation_23() -> None:
    values = np.linspace(-6, 6, 41)
    right = [min(max(1.2 / (1 + math.exp(-v)) - 0.1, 0.0), 1.0) for v in values]
    np.testing.assert_allclose(rectified_sigmoid(torch.tensor(values)), right, rtol=1e-12, atol=1e-12)
    assert rectified_sigmoid(torch.tensor([-4.0, 4.0])).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("beta", [20.0, 7.5, 2.0])
def test_regulariser_is_equation_24(beta: float) -> None:
    h = np.random.default_rng(0).random((3, 4))
    right = sum(1 - abs(2 * float(one) - 1) ** beta for one in h.reshape(-1))
    np.testing.assert_allclose(float(regulariser(torch.tensor(h), beta)), right, rtol=1e-12)
    assert float(regulariser(torch.tensor([0.0, 1.0, 1.0]), beta)) == 0.0


def test_beta_falls_from_20_to_2_after_a_start_without() -> None:
    found = [beta_schedule(step, 100) for step in range(100)]
    assert found[:20] == [None] * 20
    assert found[20] == 20.0
    later = [beta for beta in found[20:] if beta is not None]
    assert len(later) == 80
    assert all(one > next_one for one, next_one in itertools.pairwise(later))
    assert found[60] == pytest.approx(11.0)
    assert 2.0 < later[-1] < 2.02


def _layer(weight: np.ndarray) -> Layer:
    return Layer("l", Kind.POINTWISE, "x", "y", weight.astype(np.float32), np.zeros(len(weight), np.float32))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), off=st.integers(0, 3), limit=st.sampled_from([127, 64]))
def test_starts_from_the_given_codes(seed: int, off: int, limit: int) -> None:
    rng = np.random.default_rng(seed)
    exact = rng.uniform(-limit, limit, (4, 6))
    exact[0, :3] = [limit, -limit, 3.0]
    scale = rng.uniform(0.01, 0.1, 4).astype(np.float32)
    codes = np.clip(np.rint(exact) + rng.integers(-off, off + 1, (4, 6)), -limit, limit).astype(np.int8)
    layer = _layer(exact * scale[:, None])
    soft = soft_rounding(layer, RoundedLayer(codes, scale, layer.bias), limit)
    np.testing.assert_array_equal(soft.codes(), codes)
    # Its neighbour is on the weight's side, and the soft code lies between the two.
    other = np.where(codes > soft.base.numpy(), codes - 1, codes + 1)
    assert (np.abs(other - exact) <= np.maximum(np.abs(codes - exact) + 1, 1.001)).all()
    assert (np.abs(other) <= limit + 0).all()
    far = np.abs(codes - exact) > 1.001
    assert (np.sign(other - codes)[far] == np.sign(exact - codes)[far]).all()


def test_soft_codes_start_at_the_float_weights() -> None:
    """For nearest codes, but for what lies on a code, which starts where it can move."""
    weight = np.array([[0.3, 1.7, -2.4, 5.0, -126.4, 127.0]])
    layer = _layer(weight)
    soft = soft_rounding(layer, RoundedLayer(np.rint(weight).astype(np.int8), np.ones(1, np.float32), layer.bias), 127)
    np.testing.assert_allclose(soft.soft_codes().detach().numpy(), weight, atol=0.0011)
    soft.soft_codes().sum().backward()
    assert (soft.v.grad > 0).all()


def test_a_given_code_that_is_not_the_nearest_starts_on_its_own_side() -> None:
    layer = _layer(np.array([[0.3, 0.7, 0.3]]))
    soft = soft_rounding(layer, RoundedLayer(np.array([[1, 0, 0]], np.int8), np.ones(1, np.float32), layer.bias), 127)
    np.testing.assert_allclose(soft.h().detach().numpy(), [[0.55, 0.45, 0.3]], atol=1e-5)
