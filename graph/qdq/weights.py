"""Weights lie as the layers want them: what others do to constant codes while the network runs is done beforehand."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import onnx_ir as ir

from ..edit import is_op
from ..quantization import QuantParams
from .draft import Draft

__all__ = ["lay_out_weights"]


def lay_out_weights(draft: Draft) -> None:
    """Move constant codes once and for all. Exact.

    1. Transpose and Reshape of a constant held as codes: a constant with its codes and channel axis moved.
    2. MatMul [N, C_in] by such a constant: Gemm. Gemm by such a constant: weights [C_out, C_in], transB=1.
    """
    for node in tuple(draft.graph):
        source = node.inputs[0] if node.inputs else None
        if source in draft.codes and source is not None and is_op(node, "Transpose", "Reshape", "Squeeze", "Unsqueeze"):
            _move(draft, node, source)
    for node in tuple(draft.graph):
        weight = node.inputs[1] if len(node.inputs) > 1 else None
        if weight is None or weight not in draft.codes:
            continue
        if is_op(node, "MatMul") and _rank(node.inputs[0]) == 2 and _rank(weight) == 2:
            _to_gemm(draft, node)
        elif is_op(node, "Gemm") and not node.attributes.get_int("transB", 0):
            _transpose_weight(draft, node, weight)


def _move(draft: Draft, node: ir.Node, source: ir.Value) -> None:
    codes, params, result = draft.codes[source], draft.params[source], node.outputs[0]
    if is_op(node, "Transpose"):
        order = list(node.attributes.get_ints("perm", [*reversed(range(codes.ndim))]))
        moved = codes.transpose(order)
        axis = order.index(params.axis) if params.axis is not None else None
    else:
        if result.shape is None or not result.shape.is_static():
            return
        moved = codes.reshape(result.shape.numpy())
        axis = _axis_after(params, codes.shape, moved.shape)
        if params.axis is not None and axis is None:
            return
    new = draft.add_codes(f"{source.name}", moved, replace(params, axis=axis))
    result.replace_all_uses_with(new, replace_graph_outputs=False)
    draft.graph.remove(node, safe=True)


def _axis_after(params: QuantParams, before: tuple[int, ...], after: tuple[int, ...]) -> int | None:
    """Where the channel axis lies after a reshape that keeps it whole."""
    if params.axis is None:
        return None
    ahead, channels = prod(before[: params.axis]), before[params.axis]
    fitting = [axis for axis, size in enumerate(after) if size == channels and prod(after[:axis]) == ahead]
    return fitting[0] if fitting else None


def _to_gemm(draft: Draft, node: ir.Node) -> None:
    weight = node.inputs[1]
    gemm = draft.replace(node, "Gemm", list(node.inputs))
    if weight is not None:
        _transpose_weight(draft, gemm, weight)


def _transpose_weight(draft: Draft, gemm: ir.Node, weight: ir.Value) -> None:
    codes, params = draft.codes[weight], draft.params[weight]
    axis = None if params.axis is None else 1 - params.axis
    gemm.replace_input_with(1, None)
    name = str(weight.name)
    if not weight.uses() and not weight.is_graph_output():
        draft.forget(weight)
    gemm.replace_input_with(1, draft.add_codes(name, codes.T, replace(params, axis=axis)))
    gemm.attributes["transB"] = ir.AttrInt64("transB", 1)


def _rank(value: ir.Value | None) -> int:
    return value.shape.rank() if value is not None and value.shape is not None else 0
