"""A drawn graph in a few lines: a node a line, pairs of Q and DQ as the grid behind their value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .interval import Array

__all__ = ["listing"]


def listing(model: onnx.ModelProto) -> str:
    return "\n".join(_lines(model))


def _lines(model: onnx.ModelProto) -> Iterator[str]:
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    grids = {
        node.input[0]: _grid(constants[node.input[1]], constants[node.input[2]])
        for node in graph.node
        if node.op_type == "QuantizeLinear"
    }
    coded = {
        node.output[0]: f"{_array(constants[node.input[0]])}{_grid(constants[node.input[1]], constants[node.input[2]])}"
        for node in graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in constants
    }
    yield f"opset {model.opset_import[0].version}"
    for info in graph.input:
        shape = [d.dim_value or d.dim_param for d in info.type.tensor_type.shape.dim]
        yield f"{info.name} {shape}{grids.get(info.name, '')}"
    for node in graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            continue
        inputs = [coded.get(name) or (_array(constants[name]) if name in constants else name) for name in node.input]
        settings = ", ".join(f"{a.name}={_setting(a)}" for a in node.attribute)
        outputs = ", ".join(f"{name}{grids.get(name, '')}" for name in node.output)
        yield f"{outputs} = {node.op_type}({', '.join(inputs)}{'; ' + settings if settings else ''})"
    yield f"→ {', '.join(info.name for info in graph.output)}"


def _setting(attribute: onnx.AttributeProto) -> str:
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    return f"{value:.6g}" if isinstance(value, float) else str(list(value) if hasattr(value, "__len__") else value)


def _grid(scale: Array, zero_point: Array) -> str:
    zeros = sorted(set(zero_point.reshape(-1).tolist()))
    sizes = f"{scale.min():.4g}" if scale.size == 1 else f"{scale.min():.3g}…{scale.max():.3g}×{scale.size}"
    return f" @{sizes},{zeros[0] if len(zeros) == 1 else zeros}{'u' if zero_point.dtype == np.uint8 else ''}"


def _array(array: Array) -> str:
    kind = {"float32": "f32", "int64": "", "int8": "s8", "uint8": "u8", "int32": "s32"}.get(str(array.dtype), "?")
    if array.size <= 6:
        return f"{kind}{np.array2string(array, precision=4, separator=',')}".replace("\n", "")
    return f"{kind}{list(array.shape)}"
