from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from sepia.export.onnx_to_tflite.program import Operator, Options, Program, Quantization, Tensor
from sepia.export.onnx_to_tflite.versions import known_ops, lowest_version, min_runtime


def grid(scale: float) -> Quantization:
    return Quantization(np.array([scale], np.float32), np.zeros(1, np.int64))


def tensor(dtype: str, *shape: int, scale: float = 0.5) -> Tensor:
    return Tensor("t", shape, dtype, grid(scale) if dtype == "int8" else None)


def operator(op: str, *inputs: Tensor | None, scale: float = 0.5, **fields: object) -> Operator:
    out = tensor(next(t.dtype for t in inputs if t is not None), 1, scale=scale)
    return Operator(op, inputs, (out,), Options("", fields))


FLOAT, INT8, WIDE = tensor("float32", 1, 4, 4, 8), tensor("int8", 1, 4, 4, 8), tensor("float32", 1, 1, 4, 4, 8)
INTS = tensor("int32", 4)


@pytest.mark.parametrize(
    ("version", "made"),
    [
        (1, operator("CONV_2D", FLOAT, tensor("float32", 2, 3, 3, 8))),
        (3, operator("CONV_2D", INT8, tensor("int8", 2, 3, 3, 8))),
        (6, operator("CONV_2D", FLOAT, tensor("float32", 2, 3, 3, 4))),
        (1, operator("DEPTHWISE_CONV_2D", FLOAT, FLOAT, dilationHFactor=1, dilationWFactor=1)),
        (2, operator("DEPTHWISE_CONV_2D", FLOAT, FLOAT, dilationHFactor=2, dilationWFactor=1)),
        (3, operator("DEPTHWISE_CONV_2D", INT8, INT8, dilationHFactor=2, dilationWFactor=2)),
        (1, operator("FULLY_CONNECTED", FLOAT, FLOAT, None)),
        (4, operator("FULLY_CONNECTED", INT8, INT8, None)),
        (1, operator("ADD", FLOAT, FLOAT)),
        (2, operator("ADD", INT8, INT8)),
        (2, operator("MUL", INT8, INT8, scale=1.0)),
        (3, operator("MUL", INT8, INT8, scale=0.25)),
        (1, operator("RESHAPE", INT8, INTS)),
        (1, operator("HARD_SWISH", INT8)),
        (2, operator("RELU", INT8)),
        (2, operator("SPLIT", INTS, INT8)),
        (1, operator("SPLIT", INTS, FLOAT)),
        (3, operator("TRANSPOSE_CONV", INTS, INT8, INT8, INTS)),
        (2, operator("TRANSPOSE_CONV", INTS, INT8, INT8)),
        (1, operator("TRANSPOSE", FLOAT, INTS)),
        (4, operator("TRANSPOSE", WIDE, INTS)),
        (2, operator("PAD", INT8, INTS)),
        (3, operator("RESIZE_BILINEAR", FLOAT, INTS, halfPixelCenters=True)),
        (2, operator("RESIZE_BILINEAR", INT8, INTS, alignCorners=True)),
        (3, operator("RESIZE_NEAREST_NEIGHBOR", FLOAT, INTS, alignCorners=True)),
        (1, operator("RESIZE_NEAREST_NEIGHBOR", FLOAT, INTS)),
        (3, operator("SUB", WIDE, FLOAT)),
        (1, operator("SUB", WIDE, WIDE)),
        (1, operator("QUANTIZE", FLOAT)),
        (2, operator("DEQUANTIZE", INT8)),
    ],
)
def test_lowest_version(version: int, made: Operator) -> None:
    assert lowest_version(made) == version


def test_the_first_runtime_is_that_of_the_newest_operator() -> None:
    assert min_runtime({"CONV_2D": 3, "ADD": 2}) == "1.14.0"
    assert min_runtime({"CONV_2D": 6, "ADD": 2}) == "2.9.0"
    assert min_runtime({"RESIZE_BILINEAR": 3, "MUL": 3, "CONV_2D": 1}) == "2.2.0"
    assert min_runtime({}) == "1.5.0"


def test_every_operator_is_one_of_the_schema() -> None:
    assert [op for op in known_ops() if not hasattr(schema.BuiltinOperator, op)] == []


def test_listing_is_one_line_an_operator() -> None:
    program = Program()
    x = program.inputs["x"] = program.tensor("x", (-1, 4), "float32")
    y = program.outputs["y"] = program.tensor("x", (-1, 4), "float32")
    program.add("RELU", [x], [y])
    assert program.listing() == "input x = x:float32[N×4]\nRELU(x:float32[N×4]) -> x_1:float32[N×4]\noutput y = x_1\n"
