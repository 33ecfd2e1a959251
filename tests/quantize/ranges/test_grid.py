"""From a range to scale and zero point."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sepia.quantize.ranges.grid import activation_grid, fixed_grid

_END = st.floats(-1e4, 1e4, width=32)


@given(_END, _END, st.floats(0, 1))
def test_values_inside_come_back_within_half_a_step(one: float, other: float, part: float) -> None:
    low, high = min(one, other), max(one, other)
    grid = activation_grid(low, high, "uint8")
    value = np.array([low + part * (high - low)], np.float32)
    step = float(grid.scale[0])
    back = grid.dequantize(grid.quantize(value))
    # The zero point is rounded too: an end may lie half a step outside the grid, and so a step from its code.
    assert abs(float(back[0]) - float(value[0])) <= step * 1.001 + 1e-6 * abs(float(value[0]))


@given(_END, _END)
def test_zero_is_exact_and_the_encodings_are_one_quantisation(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    unsigned, signed = activation_grid(low, high, "uint8"), activation_grid(low, high, "int8")
    zero = np.zeros(1, np.float32)
    assert unsigned.dequantize(unsigned.quantize(zero))[0] == 0.0
    assert unsigned.scale == signed.scale
    assert unsigned.zero_point == signed.zero_point + 128
    values = np.linspace(low, high, 50, dtype=np.float32)
    np.testing.assert_array_equal(unsigned.quantize(values).astype(int), signed.quantize(values).astype(int) + 128)


def test_a_rectified_range_starts_at_its_zero_point() -> None:
    grid = activation_grid(0.0, 6.0, "uint8")
    assert grid.zero_point == 0
    assert grid.scale == np.float32(6 / 255)
    assert activation_grid(0.3, 6.0, "int8").zero_point == -128


@pytest.mark.parametrize("constant", [2.5, -0.001, 1e4])
def test_a_constant_is_exact(constant: float) -> None:
    grid = activation_grid(constant, constant, "uint8")
    value = np.array([constant], np.float32)
    np.testing.assert_allclose(grid.dequantize(grid.quantize(value)), value, rtol=1e-6)


@pytest.mark.parametrize("tiny", [0.0, 1e-12, -1e-30])
def test_what_is_always_zero_gets_the_other_range(tiny: float) -> None:
    grid = activation_grid(tiny, tiny, "uint8", otherwise=6.0)
    assert grid.scale == np.float32(6 / 255)
    assert grid.zero_point == 0


def test_fixed_grids_are_given_in_unsigned_codes() -> None:
    grid = fixed_grid(1 / 256, 0, "int8")
    assert (float(grid.scale[0]), int(grid.zero_point[0]), grid.dtype) == (1 / 256, -128, "int8")
