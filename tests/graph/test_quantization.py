"""Scales and zero points, against ONNX Runtime's own operators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sepia.graph.quantization import QuantParams
from support.graphs import NetBuilder, run_graph


def drawn(dtype: str, channels: int | None, seed: int) -> QuantParams:
    rng = np.random.default_rng(seed)
    info = np.iinfo(dtype)
    count = channels or 1
    scale = (2.0 ** rng.uniform(-12, 3, count)).astype(np.float32)
    return QuantParams(scale, rng.integers(info.min, info.max + 1, count), dtype, None if channels is None else 1)


def by_runtime(params: QuantParams, real: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    net = NetBuilder(real.shape)
    shape = (-1,) if params.per_channel else ()
    names = [
        net.constant("scale", params.scale.reshape(shape)),
        net.constant("zero", params.zero_point.astype(params.dtype).reshape(shape)),
    ]
    axis = {"axis": params.axis} if params.per_channel else {}
    codes = net.node("QuantizeLinear", [net.input, *names], name="codes", **axis)
    return run_graph(
        net.proto(net.node("DequantizeLinear", [codes, *names], name="real", **axis)),
        {net.input: real},
        also=("codes",),
    )


@given(dtype=st.sampled_from(["int8", "uint8"]), channels=st.none() | st.integers(2, 5), seed=st.integers(0, 999))
def test_same_codes_and_values_as_onnx_runtime(dtype: str, channels: int | None, seed: int) -> None:
    params = drawn(dtype, channels, seed)
    spread = float(params.scale.max()) * 200
    real = np.random.default_rng(seed + 1).uniform(-spread, spread, (2, channels or 3, 4, 3)).astype(np.float32)
    expected = by_runtime(params, real)
    codes = params.quantize(real)
    np.testing.assert_array_equal(codes, expected["codes"])
    assert codes.dtype == dtype
    np.testing.assert_array_equal(params.dequantize(codes), expected["real"])


@given(dtype=st.sampled_from(["int8", "uint8"]), seed=st.integers(0, 999))
def test_within_the_range_the_error_is_half_a_step(dtype: str, seed: int) -> None:
    params = drawn(dtype, 4, seed)
    low, high = params.code_range
    share = np.random.default_rng(seed).uniform(0, 1, (3, 4, 5))
    scale, zero = (array.reshape(1, 4, 1).astype(np.float64) for array in (params.scale, params.zero_point))
    real = ((low + share * (high - low)) - zero) * scale
    error = np.abs(params.dequantize(params.quantize(real)) - real)
    assert (error <= scale * 0.5 * (1 + 1e-5)).all()


@given(code=st.integers(-128, 127), seed=st.integers(0, 99))
def test_codes_survive_the_way_there_and_back(code: int, seed: int) -> None:
    params = drawn("int8", None, seed)
    codes = np.array([code], np.int8)
    np.testing.assert_array_equal(params.quantize(params.dequantize(codes)), codes)
    assert params.code_of(float(params.dequantize(codes)[0])) == code


def test_halves_go_to_the_even_code() -> None:
    params = QuantParams(np.array([1.0], np.float32), np.array([0]), "int8")
    assert params.quantize(np.array([0.5, 1.5, 2.5, -0.5, -1.5], np.float32)).tolist() == [0, 2, 2, 0, -2]


def test_outermost_codes_stand_for_infinity() -> None:
    params = QuantParams(np.array([0.1], np.float32), np.array([3]), "uint8")
    assert (params.code_of(-np.inf), params.code_of(np.inf), params.code_of(0.0)) == (0, 255, 3)


@given(seed=st.integers(0, 99))
def test_int8_and_uint8_are_the_same_quantisation(seed: int) -> None:
    params = drawn("int8", 3, seed)
    other = params.as_dtype("uint8")
    codes = np.random.default_rng(seed).integers(-128, 128, (2, 3, 4)).astype(np.int8)
    shifted = (codes.astype(np.int16) + 128).astype(np.uint8)
    np.testing.assert_array_equal(other.dequantize(shifted), params.dequantize(codes))
    back = other.as_dtype("int8")
    assert back.dtype == "int8"
    np.testing.assert_array_equal(back.zero_point, params.zero_point)


def test_no_shift_to_biases() -> None:
    with pytest.raises(ValueError, match="no shift between int8 and int32"):
        drawn("int8", None, 0).as_dtype("int32")
