"""Rounding forward against QuantParams, and backward against the papers' formulas, element by element in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sepia.graph.quantization import QuantParams
from sepia.quantize.fake.rounding import fake_quantize, fake_quantize_learned, round_through

FACTOR = 0.125


def drawn(count: int = 400, *, seed: int = 0, spread: float = 3.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, spread, count)


@settings(max_examples=60, deadline=None)
@given(
    scale=st.floats(2**-10, 1.0, width=32), zero=st.integers(0, 255), seed=st.integers(0, 1000),
    learned=st.booleans(),
)  # fmt: skip
def test_forward_is_quantize_and_dequantize(scale: float, zero: int, seed: int, learned: bool) -> None:
    grid = QuantParams(np.array([scale], np.float32), np.array([zero]), "uint8")
    # Halves of the step too, which go to even.
    values = np.concatenate([drawn(seed=seed), np.arange(-20, 20) * 0.5 * np.float64(grid.scale[0])])
    expected = (grid.quantize(values).astype(np.float64) - zero) * np.float64(grid.scale[0])
    tensors = [torch.tensor(x, dtype=torch.float64) for x in (values, float(grid.scale[0]), float(zero))]
    found = fake_quantize_learned(*tensors, FACTOR) if learned else fake_quantize(*tensors)
    assert np.array_equal(found.numpy(), expected)


def test_halves_go_to_even_before_an_odd_zero_point_is_added() -> None:
    values = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5])
    found = fake_quantize(values, torch.tensor(1.0), torch.tensor(7.0))
    assert found.tolist() == [0.0, 2.0, 2.0, 0.0, -2.0]


def test_sixteen_bits() -> None:
    grid = QuantParams(np.array([1e-3], np.float32), np.array([0]), "int16")
    values = drawn(spread=20.0)
    expected = grid.quantize(values) * np.float64(grid.scale[0])
    tensors = [torch.tensor(x, dtype=torch.float64) for x in (values, float(grid.scale[0]), 32768.0)]
    assert np.array_equal(fake_quantize(*tensors, 65535).numpy(), expected)


@pytest.mark.parametrize("learned", [False, True])
def test_gradient_of_values_is_that_of_the_clip(learned: bool) -> None:
    values = torch.tensor([-0.6, -0.4, 0.3, 10.0, 255.4, 255.6], dtype=torch.float64, requires_grad=True)
    grid = [torch.tensor(x, dtype=torch.float64) for x in (1.0, 0.0)]
    found = fake_quantize_learned(values, *grid, FACTOR) if learned else fake_quantize(values, *grid)
    found.backward(torch.arange(1.0, 7.0, dtype=torch.float64))
    assert values.grad is not None
    assert values.grad.tolist() == [0.0, 2.0, 3.0, 4.0, 5.0, 0.0]


@pytest.mark.parametrize("zero", [0.0, 37.0, 200.3])
def test_gradient_of_the_scale_is_lsq_equation_3(zero: float) -> None:
    scale, values, above = 0.021, drawn(), drawn(seed=1)
    z, expected = round(zero), 0.0
    for value, gradient in zip(values, above, strict=True):
        v = value / scale
        if round(v) < -z:
            slope = -z
        elif round(v) > 255 - z:
            slope = 255 - z
        else:
            slope = -v + round(v)
        expected += gradient * slope
    found = gradients(values, above, scale, zero)[0]
    assert found == pytest.approx(expected * FACTOR, rel=1e-9)


@pytest.mark.parametrize("zero", [0.0, 37.0, 200.3])
def test_gradient_of_the_zero_point_is_lsq_plus(zero: float) -> None:
    scale, values, above = 0.021, drawn(), drawn(seed=1)
    clipped = [not -round(zero) <= round(value / scale) <= 255 - round(zero) for value in values]
    assert any(clipped)
    expected = sum(-scale * gradient for gradient, out in zip(above, clipped, strict=True) if out)
    found = gradients(values, above, scale, zero)[1]
    assert found == pytest.approx(expected * FACTOR, rel=1e-9)


def gradients(
    values: NDArray[np.float64], above: NDArray[np.float64], scale: float, zero: float
) -> tuple[float, float]:
    s, z = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (scale, zero))
    fake_quantize_learned(torch.tensor(values), s, z, FACTOR).backward(torch.tensor(above))
    assert s.grad is not None and z.grad is not None
    return float(s.grad), float(z.grad)


def test_what_clips_pulls_the_scale_open() -> None:
    """All values above the grid and a loss that wants them larger: a step down the gradient raises the scale."""
    values = torch.full((10,), 9.0)
    scale, zero = torch.tensor(0.01, requires_grad=True), torch.tensor(0.0)
    (values - fake_quantize_learned(values, scale, zero, 1.0)).square().mean().backward()
    assert scale.grad is not None and scale.grad < 0


def test_round_through() -> None:
    values = torch.tensor([0.5, 1.5, -2.2], requires_grad=True)
    found = round_through(values)
    found.backward(torch.tensor([1.0, 2.0, 3.0]))
    assert found.tolist() == [0.0, 2.0, -2.0]
    assert values.grad is not None and values.grad.tolist() == [1.0, 2.0, 3.0]
