"""A fully connected layer is one Gemm, its weights [C_out, C_in]."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..edit import add_initializer, both_ways, bypass, constant_of, is_op, only_reader, replace_node

__all__ = ["matmul_to_gemm"]


def matmul_to_gemm(model: ir.Model) -> bool:
    """Write fully connected layers in one form.

    1. MatMul of [N, C_in] by a matrix → Gemm.
    2. Gemm → Add of a vector over the outputs → the bias of that Gemm.
    3. Gemm with constant weights: alpha and beta folded in, weights [C_out, C_in] with transB=1, bias [C_out].

    Ensures: none of these is left undone on constant parameters; weights that a DequantizeLinear makes are kept as they
    lie. Outputs within 1e-6 of the largest.
    """
    changed = False
    for node in tuple(model.graph):
        if _matrix_product(node):
            replace_node(node, "Gemm", list(node.inputs))
            changed = True
    for node in tuple(model.graph):
        if is_op(node, "Add"):
            changed |= _take_bias(model.graph, node)
    for node in model.graph:
        if is_op(node, "Gemm"):
            changed |= _plain_gemm(model.graph, node)
    return changed


def _matrix_product(node: ir.Node) -> bool:
    if not is_op(node, "MatMul"):
        return False
    return all(value is not None and value.shape is not None and value.shape.rank() == 2 for value in node.inputs) and (
        constant_of(node.inputs[1]) is not None or _dequantized(node.inputs[1])
    )


def _dequantized(value: ir.Value | None) -> bool:
    node = None if value is None else value.producer()
    return node is not None and is_op(node, "DequantizeLinear") and constant_of(node.inputs[0]) is not None


def _take_bias(graph: ir.Graph, add: ir.Node) -> bool:
    for product, vector in both_ways(add):
        gemm = product.producer() if product is not None else None
        if product is None or vector is None or gemm is None or not is_op(gemm, "Gemm"):
            continue
        if len(gemm.inputs) > 2 and gemm.inputs[2] is not None:
            continue
        wide = product.shape.dims[-1] if product.shape is not None else None
        array = constant_of(vector)
        if array is None or array.size not in (1, wide) or array.ndim > 2 or only_reader(product) is not add:
            continue
        if array.ndim == 2 and array.shape[0] != 1:
            continue
        gemm.resize_inputs(3)
        gemm.replace_input_with(2, vector)
        gemm.attributes.pop("beta", None)
        if add.inputs[0] is not product:
            add.replace_input_with(0, product)
        return bypass(add)
    return False


def _plain_gemm(graph: ir.Graph, gemm: ir.Node) -> bool:
    weight, bias = gemm.inputs[1], gemm.inputs[2] if len(gemm.inputs) > 2 else None
    weights, biases = constant_of(weight), constant_of(bias)
    if weight is None or weights is None or (bias is not None and biases is None):
        return False
    alpha, beta = gemm.attributes.get_float("alpha", 1.0), gemm.attributes.get_float("beta", 1.0)
    transposed = gemm.attributes.get_int("transB", 0)
    changed = False
    if alpha != 1 or not transposed:
        lying = weights if transposed else weights.T
        _renew(graph, gemm, 1, (lying * np.float32(alpha)).astype(np.float32))
        changed = True
    outputs = weights.shape[0 if transposed else 1]
    if biases is not None and (beta != 1 or biases.shape != (outputs,)) and biases.size in (1, outputs):
        _renew(graph, gemm, 2, np.broadcast_to(biases.reshape(-1) * np.float32(beta), outputs).astype(np.float32))
        beta = 1.0
        changed = True
    _settle(gemm, beta)
    return changed


def _settle(gemm: ir.Node, beta: float) -> None:
    gemm.attributes["transB"] = ir.AttrInt64("transB", 1)
    gemm.attributes.pop("alpha", None)
    if beta == 1:
        gemm.attributes.pop("beta", None)
    if not gemm.attributes.get_int("transA", 0):
        gemm.attributes.pop("transA", None)


def _renew(graph: ir.Graph, node: ir.Node, index: int, array: NDArray[Any]) -> None:
    old = node.inputs[index]
    node.replace_input_with(index, None)
    name = str(old.name) if old is not None else "weight"
    if old is not None and not old.uses() and not old.is_graph_output():
        graph.initializers.pop(name, None)
    node.replace_input_with(index, add_initializer(graph, name, array))
