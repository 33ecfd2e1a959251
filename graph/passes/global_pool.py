"""A mean or maximum over all positions is a global pool."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..edit import add_initializer, constant_of, is_op, replace_node
from .to_reshape import target_shape

__all__ = ["reduce_to_global_pool"]

_GLOBAL = {
    "ReduceMean": "GlobalAveragePool",
    "AveragePool": "GlobalAveragePool",
    "ReduceMax": "GlobalMaxPool",
    "MaxPool": "GlobalMaxPool",
}


def reduce_to_global_pool(model: ir.Model) -> bool:
    """Write means and maxima over all spatial dimensions as GlobalAveragePool and GlobalMaxPool.

    1. ReduceMean, ReduceMax over exactly the spatial axes; with keepdims=0 a Reshape follows.
    2. AveragePool, MaxPool whose one window is the whole input, without pads.

    Ensures: none of these is left on values [N, C, positions…]. Outputs within 1e-6 of the largest: only the order of
    the additions may differ.
    """
    changed = False
    for node in tuple(model.graph):
        if is_op(node, *_GLOBAL) and (_over_all_positions(node) or _one_window(node)):
            _rewrite(model.graph, node)
            changed = True
    return changed


def _rank(node: ir.Node) -> int:
    source = node.inputs[0]
    return source.shape.rank() if source is not None and source.shape is not None else 0


def _over_all_positions(node: ir.Node) -> bool:
    if not is_op(node, "ReduceMean", "ReduceMax") or _rank(node) < 3:
        return False
    axes = _axes(node)
    return axes is not None and sorted(int(axis) % _rank(node) for axis in axes) == list(range(2, _rank(node)))


def _axes(node: ir.Node) -> NDArray[Any] | None:
    if len(node.inputs) > 1 and node.inputs[1] is not None:
        return constant_of(node.inputs[1])
    return np.array(node.attributes.get_ints("axes", []))


def _one_window(node: ir.Node) -> bool:
    source = node.inputs[0]
    if not is_op(node, "AveragePool", "MaxPool") or len(node.outputs) > 1 or source is None or source.shape is None:
        return False
    kernel = list(node.attributes.get_ints("kernel_shape", []))
    dilated = any(step != 1 for step in node.attributes.get_ints("dilations", []))
    return kernel == list(source.shape.dims[2:]) and not any(node.attributes.get_ints("pads", [])) and not dilated


def _rewrite(graph: ir.Graph, node: ir.Node) -> None:
    pool, source = _GLOBAL[node.op_type], node.inputs[0]
    if not is_op(node, "ReduceMean", "ReduceMax") or node.attributes.get_int("keepdims", 1) != 0:
        replace_node(node, pool, [source])
        return
    result, rank = node.outputs[0], _rank(node)
    pooled = ir.node(pool, [source], name=f"{node.name}_pool")
    pooled.metadata_props.update(node.metadata_props)
    output = pooled.outputs[0]
    output.name, output.type = f"{result.name}_pooled", result.type
    if result.shape is not None:
        output.shape = ir.Shape([*result.shape.dims, *[1] * (rank - 2)])
    graph.insert_before(node, pooled)
    shape = add_initializer(graph, f"{result.name}_shape", target_shape(result))
    replace_node(node, "Reshape", [output, shape])
