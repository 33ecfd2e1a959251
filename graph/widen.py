"""Half and double precision become float32, the one float type that the rest of the house works in."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

__all__ = ["widen_to_float32"]

_FLOATS = frozenset({TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE})


def widen_to_float32(proto: onnx.ModelProto) -> bool:
    """Turn every float16, bfloat16 and float64 tensor, input, output and cast into float32, in place.

    Requires tensor data inside `proto`. float16 and bfloat16 values are kept exactly; float64 values are rounded.
    Stale value_info is dropped: infer shapes afterwards. Returns whether anything changed.
    """
    changed = _widen_graph(proto.graph)
    for function in proto.functions:
        for node in function.node:
            changed |= _widen_node(node)
    return changed


def _widen_graph(graph: onnx.GraphProto) -> bool:
    changed = False
    for tensor in graph.initializer:
        changed |= _widen_tensor(tensor)
    for info in (*graph.input, *graph.output):
        kind = info.type.tensor_type
        if kind.elem_type in _FLOATS:
            kind.elem_type = TensorProto.FLOAT
            changed = True
    for node in graph.node:
        changed |= _widen_node(node)
    if changed:
        del graph.value_info[:]
    return changed


def _widen_node(node: onnx.NodeProto) -> bool:
    changed = False
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.TENSOR:
            changed |= _widen_tensor(attribute.t)
        elif attribute.type == onnx.AttributeProto.GRAPH:
            changed |= _widen_graph(attribute.g)
        elif attribute.name in ("to", "dtype", "output_dtype") and attribute.i in _FLOATS:
            attribute.i = TensorProto.FLOAT
            changed = True
    return changed


def _widen_tensor(tensor: onnx.TensorProto) -> bool:
    if tensor.data_type not in _FLOATS:
        return False
    wide = numpy_helper.to_array(tensor).astype(np.float32)
    tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))
    return True
