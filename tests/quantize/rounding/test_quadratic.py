"""Codes against a quadratic loss: the paper's algorithm in its plain form, and every combination of codes."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sepia.quantize.rounding.quadratic import descend, gptq, quadratic_loss, round_quadratic

Floats = NDArray[np.float64]


def problem(seed: int, *, groups: int = 1, rows: int = 3, width: int = 5, step: float = 0.3) -> tuple[Floats, ...]:
    """Weights [G, R, K], scales [G, R], second moments [G, K, K] of inputs that go together, as neighbours do."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(0, 1, (groups, 200, width)) + 2.0 * rng.normal(0, 1, (groups, 200, 1))
    moments = np.matmul(inputs.transpose(0, 2, 1), inputs) / 200
    return rng.normal(0, 1, (groups, rows, width)), step * rng.uniform(0.5, 2.0, (groups, rows)), moments


def slow_gptq(weight: Floats, scale: float, moments: Floats, limit: int) -> Floats:
    """One filter. Equations (2) and (3) of arXiv:2210.17323 as they stand: round a weight, move those that wait by
    −error / [H⁻¹]_qq · [H⁻¹]_:q, take its row and column out of H⁻¹ by one step of Gaussian elimination.
    """
    left, codes = weight.copy(), np.zeros_like(weight)
    inverse = np.linalg.inv(moments)
    for column in np.argsort(-np.diag(moments)):
        codes[column] = np.clip(np.rint(left[column] / scale), -limit, limit)
        error = (left[column] - scale * codes[column]) / inverse[column, column]
        left -= error * inverse[:, column]
        inverse -= np.outer(inverse[:, column], inverse[column]) / inverse[column, column]
    return codes


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), width=st.integers(1, 9), limit=st.sampled_from([3, 127]))
def test_gptq_is_the_papers(seed: int, width: int, limit: int) -> None:
    weight, scale, moments = problem(seed, groups=2, width=width)
    found = gptq(weight, scale, moments, limit=limit)
    for group in range(2):
        for row in range(3):
            expected = slow_gptq(weight[group, row], scale[group, row], moments[group], limit)
            np.testing.assert_array_equal(found[group, row], expected)


def test_gptq_in_blocks_is_gptq(monkeypatch: pytest.MonkeyPatch) -> None:
    weight, scale, moments = problem(3, width=40)
    whole = gptq(weight, scale, moments, limit=127)
    monkeypatch.setattr("sepia.quantize.rounding.quadratic._BLOCK", 7)
    np.testing.assert_array_equal(gptq(weight, scale, moments, limit=127), whole)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), width=st.integers(1, 12), limit=st.sampled_from([3, 127]))
def test_descent_ends_where_no_single_code_would_do_better(seed: int, width: int, limit: int) -> None:
    weight, scale, moments = problem(seed, groups=2, width=width)
    start = np.clip(np.rint(weight / scale[..., None]), -limit, limit)
    found = descend(weight, scale, moments, start, limit=limit)
    loss = quadratic_loss(weight, scale, moments, found)
    assert (loss <= quadratic_loss(weight, scale, moments, start) + 1e-12).all()
    for column, step in product(range(width), (-1, 1)):
        moved = found.copy()
        moved[..., column] = np.clip(moved[..., column] + step, -limit, limit)
        assert (quadratic_loss(weight, scale, moments, moved) >= loss - 1e-9).all()


def test_loss_is_the_mean_square_of_the_outputs_error() -> None:
    rng = np.random.default_rng(0)
    inputs, weight, codes = rng.normal(0, 1, (300, 4)), rng.normal(0, 1, (1, 2, 4)), rng.integers(-3, 4, (1, 2, 4))
    scale = np.array([[0.3, 0.4]])
    expected = np.mean((inputs @ (weight[0] - scale[0][:, None] * codes[0]).T) ** 2, axis=0)
    found = quadratic_loss(weight, scale, (inputs.T @ inputs)[None] / 300, codes.astype(float))
    np.testing.assert_allclose(found[0], expected)


def test_near_the_best_of_all_codes() -> None:
    """Of 5⁵ combinations around the nearest; nearest rounding itself is far from it."""
    found, best, nearest = [], [], []
    for seed in range(12):
        weight, scale, moments = problem(seed, rows=1)
        near = np.rint(weight / scale[..., None])
        around = near + np.array(list(product(range(-2, 3), repeat=5)))[:, None, :]
        all_losses = [quadratic_loss(weight, scale, moments, codes[None])[0, 0] for codes in around]
        codes = round_quadratic(weight, scale, moments, ridge=0.0, limit=127).astype(float)
        best.append(min(all_losses))
        found.append(quadratic_loss(weight, scale, moments, codes)[0, 0])
        nearest.append(quadratic_loss(weight, scale, moments, near)[0, 0])
    assert all(f <= n + 1e-9 for f, n in zip(found, nearest, strict=True))
    assert sum(f <= b + 1e-9 for f, b in zip(found, best, strict=True)) >= 6, "the best itself, in half of the cases"
    assert sum(found) < 1.1 * sum(best)
    assert sum(best) < 0.6 * sum(nearest)


def test_inputs_that_do_not_go_together_leave_the_nearest() -> None:
    weight, scale, _ = problem(0)
    found = round_quadratic(weight, scale, np.eye(5)[None], ridge=0.01, limit=127)
    np.testing.assert_array_equal(found, np.rint(weight / scale[..., None]))


@pytest.mark.parametrize("moments", [np.zeros((1, 5, 5)), np.ones((1, 5, 5))], ids=["never fires", "all alike"])
def test_moments_that_cannot_be_inverted(moments: Floats) -> None:
    weight, scale, _ = problem(0)
    found = round_quadratic(weight, scale, moments, ridge=0.01, limit=127)
    assert np.abs(found * scale[..., None] - weight).max() < 3 * scale.max()


def test_codes_keep_to_the_limit() -> None:
    weight, scale, moments = problem(0, step=0.01)
    assert np.abs(round_quadratic(weight, scale, moments, ridge=0.01, limit=64)).max() == 64
