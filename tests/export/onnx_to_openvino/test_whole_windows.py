"""Maxima and means of whole images, beside what OpenVINO gets wrong of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from sepia.export.onnx_to_openvino.proto import Looked
from sepia.export.onnx_to_openvino.whole_windows import window_reductions
from support.openvino_nets import as_ir_and_as_it_says, pair, small_net

REDUCED = {
    "all": ("GlobalMaxPool(r)", "N, 3, 1, 1"),
    "both axes": ("ReduceMax(r, both)", "N, 3, 1, 1"),
    "one axis": ("ReduceMax(r, last)", "N, 3, 7, 1"),
    "no axes kept": ("ReduceMax<keepdims = 0>(r, both)", "N, 3"),
}


def maximum(reduced: str, shape: str) -> onnx.ModelProto:
    grid = "float s = {0.00390625}, int8 z = {-128}, int64[2] both = {2, 3}, int64[1] last = {-1}"
    return small_net(
        f"g (float[N, 3, 7, 9] x) => (float[{shape}] y_dq) <{grid}> {{ r = Sigmoid(x) y = {reduced} {pair('y')} }}"
    )


def mean(reduced: str) -> onnx.ModelProto:
    return small_net(
        "g (float[2, 2, 4] x) => (float[2, 2, 1] y) <float[2, 1] c = {0.8, 2}, int64[1] last = {2}>"
        f"{{ r = Relu(x) m = {reduced} y = Mul(m, c) }}"
    )


@pytest.mark.parametrize(("reduced", "shape"), REDUCED.values(), ids=REDUCED)
def test_a_maximum_that_is_quantised(reduced: str, shape: str, tmp_path: Path) -> None:
    found, wanted = as_ir_and_as_it_says(maximum(reduced, shape), tmp_path)
    np.testing.assert_array_equal(found["y_dq"], wanted["y_dq"])


@pytest.mark.parametrize("reduced", ["GlobalAveragePool(r)", "ReduceMean(r, last)", "ReduceMax(r, last)"])
def test_constants_behind_a_reduction_of_one_axis(reduced: str, tmp_path: Path) -> None:
    found, wanted = as_ir_and_as_it_says(mean(reduced), tmp_path)
    np.testing.assert_allclose(found["y"], wanted["y"], rtol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "g (float[1, 3, 7, 9] x) => (float[1, 1, 7, 9] y) <int64[1] axes = {1}> { y = ReduceMax(x, axes) }",
        "g (float[1, 3, 7, H] x) => (float[1, 3, 1, 1] y) { y = GlobalMaxPool(x) }",
        "g (float[1, 3, 7, 9] x) => (float[1, 3, 1, 1] y) { y = GlobalAveragePool(x) }",
        "g (float[1, 3, 7, 9] x) => (float[1, 1, 1, 1] y) { y = ReduceMax(x) }",
    ],
    ids=["channels", "an open size", "a mean of two axes", "all axes"],
)
def test_others_stay(text: str) -> None:
    model = small_net(text)
    before = model.SerializeToString()
    assert not window_reductions(Looked(model))
    assert model.SerializeToString() == before
