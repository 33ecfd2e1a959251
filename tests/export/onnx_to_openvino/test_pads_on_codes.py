"""Pads are the number 0, whatever code that is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sepia.export.onnx_to_openvino.pads_on_codes import put_pads_on_codes
from sepia.export.onnx_to_openvino.proto import Looked
from support.openvino_nets import as_ir_and_as_it_says, pair, small_net

GRID = "float s = {0.02}, int8 z = {30}, int64[8] around = {0, 0, 0, 0, 0, 0, 0, 1}"
WEIGHTS = (
    "float v = {0.01}, int8 n = {0}, float t = {0.05},"
    "int8[4, 1, 1, 3] codes = {90, -3, 4, 5, 60, 7, 8, -90, 1, 2, 30, 4}"
)
CASES = {
    "a mean": f"y = AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 2], count_include_pad = 1>(x_dq) {pair('y')}",
    "a mean, SAME": 'y = AveragePool<kernel_shape = [3, 3], auto_pad = "SAME_LOWER", count_include_pad = 1,'
    f"strides = [2, 1]>(x_dq) {pair('y')}",
    "a Pad": f"y = Pad(x_dq, around) {pair('y')}",
    "a Pad by a number": f"y = Pad(x_dq, around, fill) {pair('y')}",
    "a Pad of some axes": f"y = Pad(x_dq, some, , axes) {pair('y')}",
    "a multiplier": "w = DequantizeLinear(codes, v, n) y = Conv<group = 2, pads = [0, 1, 0, 1]>(x_dq, w)"
    + pair("y", "t", "z"),
    "a multiplier, SAME": 'w = DequantizeLinear(codes, v, n) y = Conv<group = 2, auto_pad = "SAME_UPPER",'
    f"strides = [2, 1]>(x_dq, w) {pair('y', 't', 'z')}",
}


def net(body: str, shape: str = "1, 2, 1, 6") -> str:
    more = "int64[2] some = {1, 2}, int64[1] axes = {-1}, float fill = {-0.6}"
    return f"g (float[{shape}] x) => (float[?, ?, ?, ?] y_dq) <{GRID}, {more}, {WEIGHTS}> {{ {pair('x')} {body} }}"


@pytest.mark.parametrize("body", CASES.values(), ids=CASES)
@pytest.mark.parametrize("shape", ["1, 2, 1, 6", "N, 2, 1, 6"], ids=["closed", "open"])
def test_openvino_pads_as_the_file_says(body: str, shape: str, tmp_path: Path) -> None:
    model = small_net(net(body, shape))
    found, wanted = as_ir_and_as_it_says(model, tmp_path)
    assert found["y_dq"].shape == wanted["y_dq"].shape
    # Nine numbers have no mean in the middle of two codes.
    np.testing.assert_allclose(found["y_dq"], wanted["y_dq"], atol=0.001)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        (net(CASES["a mean"]), True),
        (net(CASES["a mean"]).replace("z = {30}", "z = {0}"), False),
        (net(CASES["a mean"]).replace("count_include_pad = 1", "count_include_pad = 0"), False),
        (net(CASES["a mean"]).replace("count_include_pad", "ceil_mode = 1, count_include_pad"), False),
        (net(CASES["a Pad"]).replace("z = {30}", "z = {0}"), False),
        (net(CASES["a Pad by a number"]).replace("z = {30}", "z = {0}"), True),
        (net(CASES["a Pad by a number"]).replace("-0.6", "-0.61"), False),
        (net(CASES["a Pad"]).replace("Pad(", 'Pad<mode = "edge">('), False),
        (net(CASES["a multiplier"]), True),
        (net(CASES["a multiplier"]).replace("0, 1, 0, 1]", "0, 0, 0, 0]"), False),
    ],
)
def test_what_is_right_stays(text: str, changed: bool) -> None:
    model = small_net(text)
    before = model.SerializeToString()
    assert put_pads_on_codes(Looked(model)) is changed
    assert (model.SerializeToString() != before) is changed
    assert {"y", "y_dq", "x_dq"} <= {name for node in model.graph.node for name in node.output}
