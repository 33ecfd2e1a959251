"""Nodes that hand on what they get are taken out."""

from __future__ import annotations

import math

import onnx_ir as ir

from ..edit import bypass, clip_bounds, constant_of, is_op, scalar_of

__all__ = ["remove_identity"]

_RESHAPES = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand")


def remove_identity(model: ir.Model) -> bool:
    """Take out nodes that change nothing when the network is used. Exact.

    1. Identity, Dropout whose mask nobody reads, Concat of one, Sum, Max, Min or Mean of one.
    2. Cast and CastLike to the type that the value has.
    3. Reshape, Flatten, Squeeze, Unsqueeze and Expand to the shape that the value has.
    4. Transpose to the same order, Pad by nothing, Clip without bounds.
    5. Add or Sub of 0, Mul or Div by 1, where the shape stays.
    6. AveragePool and MaxPool of kernel and stride 1.

    Ensures: none is left, except where one is all that joins an output of the graph to an input or constant.
    """
    changed = False
    for node in tuple(model.graph):
        if _idle(node):
            changed |= bypass(node)
    return changed


def _idle(node: ir.Node) -> bool:
    if not node.inputs or node.inputs[0] is None:
        return False
    if is_op(node, "Identity"):
        return True
    if is_op(node, "Dropout"):
        return _dropout(node)
    if is_op(node, "Concat", "Sum", "Max", "Min", "Mean"):
        return len(node.inputs) == 1
    if is_op(node, "Cast"):
        return node.inputs[0].dtype is not None and node.inputs[0].dtype == node.attributes.get_int("to", 0)
    if is_op(node, "CastLike"):
        like = node.inputs[1]
        return like is not None and like.dtype is not None and node.inputs[0].dtype == like.dtype
    if is_op(node, *_RESHAPES):
        return _same_shape(node)
    if is_op(node, "Add", "Sub", "Mul", "Div"):
        neutral = 0.0 if is_op(node, "Add", "Sub") else 1.0
        return scalar_of(node.inputs[1]) == neutral and _same_shape(node)
    return _moves_nothing(node)


def _moves_nothing(node: ir.Node) -> bool:
    if is_op(node, "Transpose"):
        order = node.attributes.get_ints("perm", [])
        return bool(order) and list(order) == sorted(order)
    if is_op(node, "Pad"):
        pads = constant_of(node.inputs[1])
        return pads is not None and not pads.any()
    if is_op(node, "Clip"):
        return clip_bounds(node) == (-math.inf, math.inf)
    if is_op(node, "AveragePool", "MaxPool"):
        kernel = node.attributes.get_ints("kernel_shape", [])
        steps = [*node.attributes.get_ints("strides", []), *kernel]
        return set(steps) == {1} and not any(node.attributes.get_ints("pads", [])) and len(node.outputs) == 1
    return False


def _dropout(node: ir.Node) -> bool:
    training = node.inputs[2] if len(node.inputs) > 2 else None
    unread = len(node.outputs) < 2 or not (node.outputs[1].uses() or node.outputs[1].is_graph_output())
    return unread and (training is None or scalar_of(training) == 0)


def _same_shape(node: ir.Node) -> bool:
    source, result = node.inputs[0], node.outputs[0]
    if source is None or source.shape is None or result.shape is None or source.shape != result.shape:
        return False
    # Two unknown dimensions are not the same one.
    return not source.shape.has_unknown_dim()
