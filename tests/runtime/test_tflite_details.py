"""Placements from what an interpreter tells, with delegates that take all, some or none."""

from __future__ import annotations

from typing import Any

import numpy as np
from sepia.runtime.tflite_details import placements, tensor_info

TENSORS = [
    {"index": index, "name": name, "dtype": dtype}
    for index, (name, dtype) in enumerate(
        [
            ("x", np.float32),
            ("x_codes", np.int8),
            ("w", np.int8),
            ("b", np.int32),
            ("a", np.int8),
            ("flat", np.int8),
            ("y_codes", np.int8),
            ("y", np.float32),
            ("z", np.float32),
        ]
    )
]


def op(index: int, name: str, inputs: list[int], outputs: list[int]) -> dict[str, Any]:
    return {"index": index, "op_name": name, "inputs": np.array(inputs), "outputs": np.array(outputs)}


OPS = [
    op(0, "QUANTIZE", [0], [1]),
    op(1, "CONV_2D", [1, 2, 3], [4]),
    op(2, "RESHAPE", [4, -1], [5]),
    op(3, "FULLY_CONNECTED", [5, 2, -1], [6]),
    op(4, "DEQUANTIZE", [6], [7]),
    op(5, "HARD_SWISH", [7], [8]),
]
PRECISIONS = ["none", "int8", "none", "int8", "none", "float32"]


def kernels(*delegates: dict[str, Any]) -> list[str]:
    return [placement.kernel for placement in placements([*OPS, *delegates], TENSORS)]


def test_precision_is_that_of_the_activations() -> None:
    found = placements(OPS, TENSORS)
    assert [placement.precision for placement in found] == PRECISIONS
    assert [placement.layer for placement in found] == ["x_codes", "a", "flat", "y_codes", "y", "z"]
    assert [placement.op for placement in found] == [each["op_name"] for each in OPS]


def test_int8_weights_under_float_activations_are_not_an_int8_layer() -> None:
    (found,) = placements([op(0, "FULLY_CONNECTED", [0, 2], [7])], TENSORS)
    assert found.precision == "float32"


def test_an_op_that_returns_to_float_is_not_an_int8_layer() -> None:
    (found,) = placements([op(0, "CONV_2D", [1, 2, 3], [7])], TENSORS)
    assert found.precision == "float32"


def test_a_delegate_takes_what_lies_between_its_ends() -> None:
    assert kernels() == ["builtin"] * 6
    assert kernels(op(6, "DELEGATE", [0], [8])) == ["XNNPACK"] * 6
    assert kernels(op(6, "DELEGATE", [1], [5])) == ["builtin", "XNNPACK", "XNNPACK", "builtin", "builtin", "builtin"]
    two = (op(6, "DELEGATE", [0], [1]), op(7, "DELEGATE", [5], [6]))
    assert kernels(*two) == ["XNNPACK", "builtin", "builtin", "XNNPACK", "builtin", "builtin"]


def detail(**more: Any) -> dict[str, Any]:
    nothing = {"scales": np.array([], np.float32), "zero_points": np.array([], np.int32)}
    return {"name": "t", "shape": np.array([1, 4]), "dtype": np.int8, "quantization_parameters": nothing, **more}


def test_scale_and_zero_point_are_told_only_of_a_whole_tensor() -> None:
    single = {"scales": np.array([0.5], np.float32), "zero_points": np.array([-3], np.int32)}
    many = {"scales": np.array([0.5, 1], np.float32), "zero_points": np.array([0, 0], np.int32)}
    found = [tensor_info(detail(quantization_parameters=each)) for each in (single, many)]
    assert [(info.scale, info.zero_point) for info in found] == [(0.5, -3), (None, None)]
    assert tensor_info(detail()).scale is None


def test_an_open_dimension_comes_from_the_signature() -> None:
    assert tensor_info(detail(shape_signature=np.array([-1, 4]))).shape == (-1, 4)
    assert tensor_info(detail(shape_signature=np.array([], np.int32))).shape == (1, 4)
