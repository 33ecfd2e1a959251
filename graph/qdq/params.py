"""What one QuantizeLinear or DequantizeLinear node says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...errors import GraphError
from ..quantization import QuantParams

__all__ = ["is_dequantize", "is_quantize", "one_scale", "params_of", "same_grid"]

_HELD = {ir.DataType.INT8: "int8", ir.DataType.UINT8: "uint8", ir.DataType.INT32: "int32"}
_ACCEPTED = "int8 or uint8 codes, int32 for biases"
_DOMAINS = ("", "com.microsoft")


def is_quantize(node: ir.Node | None) -> bool:
    """A QuantizeLinear of the file. Those of the plain view, with one input, are steps of their own and no pairs."""
    return node is not None and node.op_type == "QuantizeLinear" and node.domain in _DOMAINS and len(node.inputs) > 1


def is_dequantize(node: ir.Node | None) -> bool:
    return node is not None and node.op_type == "DequantizeLinear" and node.domain in _DOMAINS


def params_of(node: ir.Node) -> QuantParams:
    """Parameters of a QuantizeLinear or DequantizeLinear node, one value a scale counting as per tensor.

    Raises GraphError, naming the node, for blocks, for scales that are not constant, finite and positive, and for
    codes that are neither int8, uint8 nor int32.
    """
    if node.attributes.get_int("block_size", 0):
        raise GraphError(f"'{node.name}' ({node.op_type})", "quantises in blocks", accepted="per tensor or per channel")
    scale = _constant(node, 1, np.float32)
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise GraphError(f"'{node.name}' ({node.op_type})", "its scale is not finite and positive")
    dtype = _dtype(node)
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        zero_point = _constant(node, 2, np.int64)
    else:
        zero_point = np.zeros(scale.shape, np.int64)
    if zero_point.size != scale.size:
        raise GraphError(
            f"'{node.name}' ({node.op_type})", f"has {scale.size} scales but {zero_point.size} zero points"
        )
    return QuantParams(scale.reshape(-1), zero_point.reshape(-1), dtype, _axis(node, scale))


def same_grid(one: QuantParams, other: QuantParams) -> bool:
    """Whether both stand for the same real numbers, code by code (int8 and uint8 being two names of one code)."""
    if one.dtype != other.dtype and "int32" in (one.dtype, other.dtype):
        return False
    other = other.as_dtype(one.dtype)
    return (
        one.axis == other.axis
        and np.array_equal(one.scale, other.scale)
        and np.array_equal(one.zero_point, other.zero_point)
    )


def one_scale(params: QuantParams) -> QuantParams:
    """Per tensor, where an axis has the same scale and zero point throughout; else as it is."""
    if (params.scale == params.scale[0]).all() and (params.zero_point == params.zero_point[0]).all():
        return replace(params, scale=params.scale[:1], zero_point=params.zero_point[:1], axis=None)
    return params


def _axis(node: ir.Node, scale: NDArray[Any]) -> int | None:
    if scale.size == 1:
        return None
    axis = node.attributes.get_int("axis", 1)
    data = node.inputs[0]
    rank = None if data is None or data.shape is None else data.shape.rank()
    if rank is None or not -rank <= axis < rank:
        raise GraphError(f"'{node.name}' ({node.op_type})", f"axis {axis} is outside rank {rank}")
    return axis % rank


def _dtype(node: ir.Node) -> str:
    held = node.outputs[0] if is_quantize(node) else node.inputs[0]
    dtype = None if held is None else held.dtype
    if dtype not in _HELD:
        found = dtype.name.lower() if dtype is not None else "unknown"
        raise GraphError(f"'{node.name}' ({node.op_type})", f"has {found} codes", accepted=_ACCEPTED)
    return _HELD[dtype]


def _constant(node: ir.Node, index: int, dtype: type[np.generic]) -> NDArray[Any]:
    value = node.inputs[index]
    tensor = None if value is None else ir.convenience.get_const_tensor(value)
    if tensor is None:
        raise GraphError(
            f"'{node.name}' ({node.op_type})",
            f"its {('data', 'scale', 'zero point')[index]} is computed while the network runs",
            accepted="static quantisation",
        )
    array: NDArray[Any] = tensor.numpy().astype(dtype)
    return array
