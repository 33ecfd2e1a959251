"""Constants under a DequantizeLinear are stored as int8 codes with zero point 0 wherever that is the same numbers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...errors import GraphError
from ..edit import add_initializer, constant_of, is_op
from ..qdq.params import is_dequantize, params_of
from ..quantization import QuantParams
from .settled import codes_under, put_codes

__all__ = ["settle_constants"]

_WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_EIGHT_BITS = ("int8", "uint8")


def settle_constants(model: ir.Model) -> list[str]:
    """Settle every DequantizeLinear whose data is constant. Exact. Returns a line for each sort of change.

    1. Codes made of a float constant by QuantizeLinear (and Clip) are stored as such.
    2. Weights whose distances from the zero point fit into int8 become those distances, with zero point 0: 4-bit codes,
       and 8-bit codes with another zero point. Those that do not fit stay as they are, 8 bits wide.
    3. int32 biases with another zero point than 0 become their distances from it.
    4. All others (16 bits, 8-bit floats, scales in blocks) become the float numbers that they stand for.
    """
    told: Counter[str] = Counter()
    for node in tuple(model.graph):
        if is_dequantize(node):
            change = _settle(node)
            if change:
                told[change] += 1
    return [f"{count} constant{'s' if count > 1 else ''}: {change}" for change, count in told.items()]


def _settle(node: ir.Node) -> str:
    stored = constant_of(node.inputs[0])
    if stored is not None and _plain(node):
        return _centred(node, stored, params_of(node), "")
    try:
        codes = codes_under(node.inputs[0])
    except GraphError:
        return ""  # told by the survey
    if codes is None:
        return ""
    if _plain(node, codes):
        return _centred(node, codes, params_of(node), "stored as the codes that QuantizeLinear makes of them")
    return _widened(node, codes)


def _plain(node: ir.Node, codes: NDArray[Any] | None = None) -> bool:
    """Codes of 8 or 32 bits, with scales per tensor or per channel."""
    array = constant_of(node.inputs[0]) if codes is None else codes
    return array is not None and array.dtype.name in (*_EIGHT_BITS, "int32") and not _blocks(node)


def _blocks(node: ir.Node) -> bool:
    return bool(node.attributes.get_int("block_size", 0))


def _centred(node: ir.Node, codes: NDArray[Any], params: QuantParams, change: str) -> str:
    symmetric = (
        not _of_a_layer(node)
        or not (params.as_dtype("int8") if params.dtype in _EIGHT_BITS else params).zero_point.any()
    )
    wanted = "int32" if params.dtype == "int32" else "int8"
    if not symmetric:
        found = _distances(codes, params.zero_point, params.axis, wanted)
        if found is not None:
            codes, change = found, "zero point taken into the codes"
            params = QuantParams(params.scale, np.zeros_like(params.zero_point), wanted, params.axis)
    if change:
        put_codes(node, codes, params)
    return change


def _of_a_layer(node: ir.Node) -> bool:
    """Whether what it gives is a weight or a bias, perhaps by way of Transpose or Reshape."""
    for use in node.outputs[0].uses():
        if is_op(use.node, *_WEIGHTED) and use.idx > 0:
            return True
        if is_op(use.node, "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Identity") and _of_a_layer(use.node):
            return True
    return False


def _distances(codes: NDArray[Any], zero_point: NDArray[np.int64], axis: int | None, dtype: str) -> NDArray[Any] | None:
    """codes − zero_point, where they fit into `dtype`."""
    shape = [1] * codes.ndim
    if axis is not None:
        shape[axis] = -1
    far = codes.astype(np.int64) - zero_point.reshape(shape if axis is not None else ())
    info = np.iinfo(dtype)
    fits = far.min(initial=0) >= info.min and far.max(initial=0) <= info.max
    return far.astype(dtype) if fits else None


def _widened(node: ir.Node, codes: NDArray[Any]) -> str:
    """Codes of other widths, or scales in blocks."""
    scale, zero_point = constant_of(node.inputs[1]), _zero_point(node)
    if scale is None or zero_point is None:
        return ""  # told by the survey
    width = f"{codes.dtype.name} codes"
    axis = node.attributes.get_int("axis", 1) % max(codes.ndim, 1)
    if not _blocks(node) and codes.dtype.name in ("int4", "uint4", "int2", "uint2"):
        one = scale.size == 1
        far = _distances(codes, zero_point.reshape(-1).astype(np.int64), None if one else axis, "int8")
        if far is not None:
            zeros = np.zeros(scale.size, np.int64)
            put_codes(
                node, far, QuantParams(scale.reshape(-1).astype(np.float32), zeros, "int8", None if one else axis)
            )
            return f"{width} held as int8"
    _to_float(node, _real(codes, scale, zero_point, axis, node.attributes.get_int("block_size", 0)))
    return f"{width}{' in blocks' if _blocks(node) else ''} held as the float numbers that they stand for"


def _zero_point(node: ir.Node) -> NDArray[Any] | None:
    given = node.inputs[2] if len(node.inputs) > 2 else None
    return np.zeros((), np.int64) if given is None else constant_of(given)


def _real(
    codes: NDArray[Any], scale: NDArray[Any], zero_point: NDArray[Any], axis: int, block: int
) -> NDArray[np.float32]:
    """As DequantizeLinear says it: (code − zero point) · scale, in float32."""
    wide = codes.astype(np.float32 if codes.dtype.kind in "fV" else np.int64)
    scale = _spread(scale.astype(np.float32), codes, axis, block)
    offset = wide - _spread(zero_point.astype(wide.dtype), codes, axis, block)
    real: NDArray[np.float32] = offset.astype(np.float32) * scale
    return real


def _spread(values: NDArray[Any], codes: NDArray[Any], axis: int, block: int) -> NDArray[Any]:
    if values.size == 1:
        return values.reshape(())
    if block:
        return np.repeat(values, block, axis=axis).take(range(codes.shape[axis]), axis=axis)
    return values.reshape([-1 if at == axis else 1 for at in range(codes.ndim)])


def _to_float(node: ir.Node, real: NDArray[np.float32]) -> None:
    graph, old = node.graph, node.outputs[0]
    if not isinstance(graph, ir.Graph):
        raise ValueError(f"'{node.name}' is in no graph")
    constant = add_initializer(graph, f"{old.name}_real", real)
    old.replace_all_uses_with(constant, replace_graph_outputs=True)
    graph.remove(node, safe=True)
