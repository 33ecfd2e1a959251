"""Float biases of integer layers, in the shapes that ONNX broadcasts."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import parser
from sepia.graph.qdq import QuantizedModel, read_qdq
from support.passes import loaded

CODES = ", ".join(str(code) for code in range(-9, 12, 1))


def gemm(bias: str, factors: str = "") -> QuantizedModel:
    """[2, 7] by [7, 3], a scale a channel, everything in codes but the bias. bias: type and values."""
    text = f"""<ir_version: 9, opset_import: ["": 20]>
        g (float[2, 7] x) => (float[2, 3] y_dq) <
            float s = {{0.02}}, int8 z = {{3}}, float t = {{0.05}}, int8[3, 7] w_codes = {{{CODES}}},
            float[3] w_scale = {{0.01, 0.02, 0.04}}, int8[3] w_zero = {{0, 0, 0}}, {bias}
        > {{
            x_q = QuantizeLinear(x, s, z)
            x_dq = DequantizeLinear(x_q, s, z)
            w = DequantizeLinear<axis = 0>(w_codes, w_scale, w_zero)
            y = Gemm<transB = 1{factors}>(x_dq, w, b)
            y_q = QuantizeLinear(y, t, z)
            y_dq = DequantizeLinear(y_q, t, z)
        }}"""
    model: onnx.ModelProto = parser.parse_model(text)
    return read_qdq(loaded(model))


@pytest.mark.parametrize("bias", ["float[3] b = {0.1, -0.2, 0.3}", "float[1, 3] b = {0.1, -0.2, 0.3}"])
def test_a_vector_or_a_row_is_rounded_channel_by_channel(bias: str) -> None:
    codes = gemm(bias).codes["b"]
    assert codes.dtype == np.int32
    assert codes.tolist() == [500, -500, 375]


def test_one_number_is_one_a_channel() -> None:
    assert gemm("float[1] b = {0.1}").codes["b"].tolist() == [500, 250, 125]


@pytest.mark.parametrize(
    ("bias", "factors"),
    [
        ("float[2, 3] b = {0.1, -0.2, 0.3, 0.4, 0.5, 0.6}", ""),
        ("float[2, 1] b = {0.1, -0.2}", ""),
        ("float[3] b = {0.1, -0.2, 0.3}", ", beta = 0.5"),
        ("float[3] b = {0.1, -0.2, 0.3}", ", alpha = -1.5"),
    ],
)
def test_what_is_no_bias_of_a_sum_of_codes_stays_float(bias: str, factors: str) -> None:
    quantized = gemm(bias, factors)
    assert "b" not in quantized.codes
    assert quantized.rounded == {}
