"""Pads for auto_pad, without the image's size."""

from __future__ import annotations

import onnx
import pytest
from onnx import helper
from sepia.export.onnx_to_openvino.proto import Looked
from sepia.export.onnx_to_openvino.transposed_pads import spell_out_transposed_pads


def layer(attributes: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["": 20]> g (float[N, 1, M] x) => (float[N, 1, L] y)'
        f"<float[1, 1, 4] w = {{1, 2, -3, 5}}> {{ y = ConvTranspose<{attributes}>(x, w) }}"
    )


@pytest.mark.parametrize(
    ("attributes", "pads"),
    [
        ('auto_pad = "SAME_UPPER"', [1, 2]),
        ('auto_pad = "SAME_LOWER"', [2, 1]),
        ('auto_pad = "SAME_LOWER", strides = [2], dilations = [2]', [3, 2]),
        ('auto_pad = "SAME_UPPER", strides = [3], output_padding = [1]', [1, 1]),
    ],
)
def test_same_becomes_pads(attributes: str, pads: list[int]) -> None:
    model = layer(attributes)
    assert spell_out_transposed_pads(Looked(model))
    found = {each.name: helper.get_attribute_value(each) for each in model.graph.node[0].attribute}
    assert found["pads"] == pads
    assert "auto_pad" not in found


@pytest.mark.parametrize(
    "attributes",
    ["pads = [1, 1]", 'auto_pad = "VALID"', 'auto_pad = "SAME_UPPER", strides = [5]',
     'auto_pad = "SAME_UPPER", output_shape = [9]'],
)  # fmt: skip
def test_others_stay(attributes: str) -> None:
    model = layer(attributes)
    before = model.SerializeToString()
    assert not spell_out_transposed_pads(Looked(model))
    assert model.SerializeToString() == before
