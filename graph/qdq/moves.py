"""Operators that only move values about read and write one grid."""

from __future__ import annotations

import onnx_ir as ir

from ..edit import is_op, only_reader, scalar_of
from ..quantization import QuantParams
from .draft import Draft
from .params import same_grid
from .view import data_inputs

__all__ = ["share_grids"]

_MOVES = (
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Gather", "Expand", "Identity",
    "DepthToSpace", "SpaceToDepth", "Concat", "MaxPool", "GlobalMaxPool", "ReduceMax",
)  # fmt: skip


def share_grids(draft: Draft) -> None:
    """Give every moving operator one grid for all its data inputs and outputs, wherever codes come in or go out.

    Such an operator commutes with quantisation, so that all of this is exact:
    1. Its outputs are on one grid: float inputs that nothing else reads are held on it from where they are made.
    2. Its outputs are on one grid: inputs that are not get a QuantizeLinear in front.
    3. Its inputs are on one grid: float outputs are on it, too; outputs on another get a QuantizeLinear behind.
    """
    nodes = [node for node in draft.graph if _moves(node)]
    for node in reversed(nodes):
        grid = _common(draft, list(node.outputs))
        for value in data_inputs(node) if grid is not None else ():
            if grid is not None and _ours_alone(draft, node, value):
                draft.params[value] = grid
    for node in nodes:
        grid = _common(draft, list(node.outputs))
        if grid is not None:
            _fit_inputs(draft, node, grid)
        else:
            grid = _common(draft, list(data_inputs(node)))
            if grid is not None:
                _fit_outputs(draft, node, grid)


def _moves(node: ir.Node) -> bool:
    if is_op(node, "Pad"):
        constant = node.inputs[2] if len(node.inputs) > 2 else None
        with_zero = constant is None or scalar_of(constant) == 0
        return with_zero or node.attributes.get_string("mode", "constant") != "constant"
    if is_op(node, "Resize"):
        return node.attributes.get_string("mode", "nearest") == "nearest"
    return is_op(node, *_MOVES) and not (is_op(node, "MaxPool") and len(node.outputs) > 1)


def _common(draft: Draft, values: list[ir.Value]) -> QuantParams | None:
    """The one per-tensor grid that all `values` are on; None if there is none."""
    grids = [draft.params.get(value) for value in values if value.name]
    first = grids[0] if grids else None
    if first is None or first.per_channel or not all(grid is not None and same_grid(first, grid) for grid in grids):
        return None
    return first


def _ours_alone(draft: Draft, node: ir.Node, value: ir.Value) -> bool:
    return value not in draft.params and not value.is_initializer() and only_reader(value) is node


def _fit_inputs(draft: Draft, node: ir.Node, grid: QuantParams) -> None:
    for value in data_inputs(node):
        held = draft.params.get(value)
        if held is not None and same_grid(held, grid):
            continue
        name = draft.free_name(f"{value.name}_for_{node.outputs[0].name}")
        fitted = draft.add_quantize(value, grid, name, value.producer())
        for index, read in enumerate(node.inputs):
            if read is value:
                node.replace_input_with(index, fitted)


def _fit_outputs(draft: Draft, node: ir.Node, grid: QuantParams) -> None:
    for value in node.outputs:
        held = draft.params.get(value)
        draft.params[value] = grid
        if held is None or same_grid(held, grid):
            continue
        name = str(value.name)
        value.name = draft.free_name(f"{name}_moved")
        readers, was_output = tuple(value.uses()), value.is_graph_output()
        fitted = draft.add_quantize(value, held, name, node)
        for use in readers:
            use.node.replace_input_with(use.idx, fitted)
        if was_output:
            draft.replace_output(value, fitted)
