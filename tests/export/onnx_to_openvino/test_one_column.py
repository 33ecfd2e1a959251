"""Windows below each other, and none beside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sepia.export.onnx_to_openvino.one_column import stride_one_column
from sepia.export.onnx_to_openvino.proto import Looked
from support.openvino_nets import as_ir_and_as_it_says, pair, small_net

SHAPES = {
    "columns left over": ("1, 1, 8, 4", "1, 1, 6, 1", "strides = [1, 3]"),
    "none left over": ("1, 1, 8, 3", "1, 1, 6, 1", "strides = [1, 3]"),
    "pads left over": ("1, 1, 8, 3", "1, 1, 6, 1", "strides = [1, 4], pads = [0, 0, 0, 2]"),
    "both": ("1, 1, 8, 4", "1, 1, 6, 1", "strides = [1, 4], pads = [0, 1, 0, 1]"),
    "SAME": ("1, 1, 8, 3", "1, 1, 8, 1", 'strides = [1, 4], auto_pad = "SAME_LOWER"'),
    "pads in front": ("2, 1, 8, 3", "2, 1, 8, 1", "strides = [1, 4], pads = [1, 1, 1, 0]"),
}


@pytest.mark.parametrize(("image", "out", "attributes"), SHAPES.values(), ids=SHAPES)
def test_the_same_windows(image: str, out: str, attributes: str, tmp_path: Path) -> None:
    model = small_net(
        f"g (float[{image}] x) => (float[{out}] y) <float[1, 1, 3, 3] w = {{1, -2, 3, 4, 5, -6, 7, 8, 9}}>"
        f"{{ r = Tanh(x) y = Conv<{attributes}>(r, w) }}"
    )
    found, wanted = as_ir_and_as_it_says(model, tmp_path)
    np.testing.assert_allclose(found["y"], wanted["y"], rtol=1e-5, atol=1e-5)


def test_the_same_windows_of_codes(tmp_path: Path) -> None:
    codes = ", ".join(str(place * 37 % 255 - 127) for place in range(36))
    model = small_net(
        "g (float[1, 2, 8, 4] x) => (float[1, 4, 6, 1] y_dq) <float s = {0.02}, int8 z = {3}, float v = {0.01},"
        f"int8 n = {{0}}, float t = {{0.1}}, int8[4, 1, 3, 3] codes = {{{codes}}}> {{ {pair('x')}"
        f"w = DequantizeLinear(codes, v, n) y = Conv<group = 2, strides = [1, 3]>(x_dq, w) {pair('y', 't', 'z')} }}"
    )
    found, wanted = as_ir_and_as_it_says(model, tmp_path)
    np.testing.assert_allclose(found["y_dq"], wanted["y_dq"], atol=0.01)


def test_the_same_windows_of_a_padded_volume(tmp_path: Path) -> None:
    model = small_net(
        "g (float[1, 1, 4, 4, 2] x, float[1, 1, 3, 3, 3] w) => (float[1, 1, 2, 2, 1] y)"
        "{ y = Conv<pads = [0, 0, 1, 0, 0, 0], strides = [1, 1, 2]>(x, w) }"
    )
    found, wanted = as_ir_and_as_it_says(model, tmp_path)
    np.testing.assert_allclose(found["y"], wanted["y"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("image", "weight", "attributes"),
    [
        ("1, 1, 8, 6", "1, 1, 3, 3", "strides = [1, 3]"),
        ("1, 1, 8, 4", "1, 1, 3, 3", "strides = [3, 1]"),
        ("1, 2, 8, 4", "1, 2, 3, 3", "strides = [1, 3]"),
        ("1, 1, 8, W", "1, 1, 3, 3", "strides = [1, 3]"),
        ("1, 1, 8, 1", "1, 1, 3, 1", "strides = [1, 3], pads = [0, 1, 0, 0]"),
    ],
    ids=["two columns", "no stride", "two channels", "an open width", "pads alone"],
)
def test_others_stay(image: str, weight: str, attributes: str) -> None:
    model = small_net(
        f"g (float[{image}] x, float[{weight}] w) => (float[?, ?, ?, ?] y) {{ y = Conv<{attributes}>(x, w) }}"
    )
    before = model.SerializeToString()
    assert not stride_one_column(Looked(model))
    assert model.SerializeToString() == before
