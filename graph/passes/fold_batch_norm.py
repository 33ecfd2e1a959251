"""BatchNormalization goes into the layer before it, or becomes a layer of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..edit import add_initializer, bypass, constant_of, is_op, only_reader, replace_node

__all__ = ["absorb", "fold_batch_norm"]


def fold_batch_norm(model: ir.Model) -> bool:
    """Fold BatchNormalization, y = γ (x − μ) / √(σ² + ε) + β = s x + t with s = γ / √(σ² + ε), t = β − s μ.

    1. After Conv, ConvTranspose or Gemm with constant weights that nothing else reads: W' = s W, b' = s b + t.
    2. Elsewhere, on values with a spatial dimension: a depthwise 1×…×1 Conv with W = s, b = t.
    3. Elsewhere, on [N, C]: Mul by s, Add of t.

    Ensures: no BatchNormalization in inference form with constant statistics is left. Outputs within 1e-5 of the
    largest output: products are taken in float64 and rounded once.
    """
    changed = False
    for node in tuple(model.graph):
        if is_op(node, "BatchNormalization") and not node.attributes.get_int("training_mode", 0):
            changed |= _fold(model.graph, node)
    return changed


def _fold(graph: ir.Graph, node: ir.Node) -> bool:
    affine, source = _affine(node), node.inputs[0]
    if affine is None or source is None:
        return False
    layer = source.producer()
    if layer is not None and only_reader(source) is node and absorb(graph, layer, *affine) and bypass(node):
        return True
    _stand_alone(graph, node, *affine)
    return True


def _affine(node: ir.Node) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    arrays = [constant_of(value) for value in node.inputs[1:5]]
    if any(array is None for array in arrays):
        return None
    gamma, beta, mean, variance = (np.asarray(array, np.float64) for array in arrays)
    scale = gamma / np.sqrt(variance + node.attributes.get_float("epsilon", 1e-5))
    return scale, beta - scale * mean


def absorb(graph: ir.Graph, layer: ir.Node, scale: NDArray[np.float64], shift: NDArray[np.float64]) -> bool:
    """Let a layer with constant weights make scale · y + shift, [C_out] each. Returns whether it is such a layer."""
    if not is_op(layer, "Conv", "ConvTranspose", "Gemm"):
        return False
    weight, bias = layer.inputs[1], layer.inputs[2] if len(layer.inputs) > 2 else None
    weights, biases = constant_of(weight), constant_of(bias)
    if weight is None or weights is None or (bias is not None and biases is None):
        return False
    if is_op(layer, "Gemm"):
        biases = None if biases is None else biases * layer.attributes.get_float("beta", 1.0)
        layer.attributes.pop("beta", None)
    old = np.zeros(1) if biases is None else biases.astype(np.float64)
    if old.ndim < 2 or len(old) == 1:
        old = old.reshape(-1)  # else a Gemm's own for each row, [M, C_out] or [M, 1]
    new_bias = (old * scale + shift).astype(np.float32)
    new_weight = _scaled(layer, weights, scale).astype(np.float32)
    bias_name = bias.name if bias is not None else f"{str(weight.name).removesuffix('.weight')}.bias"
    layer.resize_inputs(3)
    for index, name, array in ((1, weight.name, new_weight), (2, bias_name, new_bias)):
        old_value = layer.inputs[index]
        layer.replace_input_with(index, None)
        if old_value is not None and not old_value.uses() and not old_value.is_graph_output():
            graph.initializers.pop(str(old_value.name), None)
        layer.replace_input_with(index, add_initializer(graph, str(name), array))
    return True


def _scaled(layer: ir.Node, weights: NDArray[Any], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    wide = weights.astype(np.float64)
    if is_op(layer, "Gemm"):
        return wide * (scale[:, None] if layer.attributes.get_int("transB", 0) else scale[None, :])
    if is_op(layer, "Conv"):
        return wide * scale.reshape(-1, *[1] * (wide.ndim - 1))
    # ConvTranspose: [C_in, C_out / group, k…], the groups lie along C_in.
    group = layer.attributes.get_int("group", 1)
    inputs, per_group, *kernel = wide.shape
    grouped = wide.reshape(group, inputs // group, per_group, -1) * scale.reshape(group, 1, per_group, 1)
    return grouped.reshape(inputs, per_group, *kernel)


def _stand_alone(graph: ir.Graph, node: ir.Node, scale: NDArray[np.float64], shift: NDArray[np.float64]) -> None:
    source, prefix = node.inputs[0], str(node.outputs[0].name)
    rank = source.shape.rank() if source is not None and source.shape is not None else 4
    flat, bias = scale.astype(np.float32), add_initializer(graph, f"{prefix}.bias", shift.astype(np.float32))
    if rank > 2:
        weight = add_initializer(graph, f"{prefix}.weight", flat.reshape(-1, 1, *[1] * (rank - 2)))
        ones, zeros = [1] * (rank - 2), [0] * (2 * (rank - 2))
        settings = {"group": len(flat), "kernel_shape": ones, "strides": ones, "dilations": ones, "pads": zeros}
        replace_node(node, "Conv", [source, weight, bias], settings)
        return
    product = ir.node("Mul", [source, add_initializer(graph, f"{prefix}.scale", flat)], name=f"{prefix}.mul")
    product.outputs[0].name = f"{prefix}.scaled"
    product.outputs[0].shape, product.outputs[0].type = node.outputs[0].shape, node.outputs[0].type
    graph.insert_before(node, product)
    replace_node(node, "Add", [product.outputs[0], bias])
