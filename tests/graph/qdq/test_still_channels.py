"""Channels whose bias lies at the end of int32: left without weights where no input can tell, and only there."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import parser
from sepia.graph.qdq import QuantizedModel, read_qdq
from support.passes import loaded

END = 2**31 - 1000
WEIGHTS = np.array([[90, -80, 70], [1, 2, 3]])


def layer(
    bias: tuple[int, int], scale: float, *, relu: bool = False, zero: int = -128, factors: str = "",
    bias_scale: float | None = None,
) -> QuantizedModel:  # fmt: skip
    """Three inputs, two channels; int8 throughout, one scale a channel, sums of scale 0.02 · `scale`."""
    held = np.float32(0.02) * np.float32(scale) if bias_scale is None else bias_scale
    codes = ", ".join(str(code) for code in WEIGHTS.ravel())
    act = "a = Relu(y)" if relu else "a = Identity(y)"
    text = f"""<ir_version: 9, opset_import: ["": 20]>
        g (float[1, 3] x) => (float[1, 2] y_dq) <
            float s = {{0.02}}, int8 z = {{5}}, float t = {{0.05}}, int8 u = {{{zero}}},
            int8[2, 3] w_codes = {{{codes}}},
            float[2] w_scale = {{{scale}, 0.02}}, int8[2] w_zero = {{0, 0}},
            int32[2] b_codes = {{{bias[0]}, {bias[1]}}},
            float[2] b_scale = {{{held}, 0.0004}},
            int32[2] b_zero = {{0, 0}}
        > {{
            x_q = QuantizeLinear(x, s, z)
            x_dq = DequantizeLinear(x_q, s, z)
            w = DequantizeLinear<axis = 0>(w_codes, w_scale, w_zero)
            b = DequantizeLinear<axis = 0>(b_codes, b_scale, b_zero)
            y = Gemm<transB = 1{factors}>(x_dq, w, b)
            {act}
            y_q = QuantizeLinear(a, t, u)
            y_dq = DequantizeLinear(y_q, t, u)
        }}"""
    model: onnx.ModelProto = parser.parse_model(text)
    return read_qdq(loaded(model))


def weights(found: QuantizedModel) -> np.ndarray:
    return next(codes for codes in found.codes.values() if codes.shape == (2, 3))


@pytest.mark.parametrize("relu", [False, True])
def test_a_channel_that_is_always_at_an_end_of_its_grid_has_no_weights(relu: bool) -> None:
    found = weights(layer((-END, 7), 2e-8, relu=relu))
    assert found.tolist() == [[0, 0, 0], WEIGHTS[1].tolist()]


@pytest.mark.parametrize(
    ("bias", "scale"),
    [
        ((-END, 7), 1.05e-9),  # -0.9 of a step: a code of its own, and the products do not move it
        ((END, 7), 2e-8),  # at the upper end
    ],
)
def test_one_code_is_enough(bias: tuple[int, int], scale: float) -> None:
    assert not weights(layer(bias, scale, zero=0))[0].any()


@pytest.mark.parametrize(
    ("bias", "scale", "why"),
    [
        ((-1_000_000, 7), 2e-8, "its sums fit"),
        ((-END, 7), 5.82e-10, "its bias lies in the middle of two codes"),
    ],
)
def test_else_they_stay(bias: tuple[int, int], scale: float, why: str) -> None:
    assert weights(layer(bias, scale, zero=0)).tolist() == WEIGHTS.tolist(), why


@settings(max_examples=200, deadline=None)
@given(
    bias=st.integers(2**31 - 60_000, 2**31 - 1),
    sign=st.sampled_from([-1, 1]),
    scale=st.floats(-11.5, -7.0),
    zero=st.integers(-128, 127),
    read=st.lists(st.integers(-128, 127), min_size=3, max_size=3),
)
def test_no_input_can_tell(bias: int, sign: int, scale: float, zero: int, read: list[int]) -> None:
    """Exact sums, of the weights as they were and as they are."""
    step = float(np.float32(10.0**scale))
    found = weights(layer((sign * bias, 7), step, zero=zero)).astype(np.int64)
    codes = np.array(read) - 5

    def code(rows: np.ndarray) -> int:
        real = (int(rows[0] @ codes) + sign * bias) * float(np.float32(0.02) * np.float32(step))
        return int(np.clip(np.rint(real / float(np.float32(0.05))) + zero, -128, 127))

    assert code(found) == code(WEIGHTS)


@pytest.mark.parametrize("factors", ["", ", alpha = 1.5", ", beta = 0.5"])
def test_only_of_plain_sums_on_the_grid_of_their_products(factors: str) -> None:
    """Factors, or a bias on a grid of its own that does not fit into int32 on the products', say another sum."""
    own = 4e-10 if factors else 1.0
    found = weights(layer((-END, 7), 2e-8, factors=factors, bias_scale=own))
    assert found.tolist() == WEIGHTS.tolist()
