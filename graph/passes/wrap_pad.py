"""Padding by the other end, which OpenVINO and most int8 kernels lack, is slices joined."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from ..edit import add_initializer, constant_of, free_name, is_op, replace_node

__all__ = ["wrap_pad"]


def wrap_pad(model: ir.Model) -> bool:
    """Write a Pad of mode wrap (torch's circular) as Slice and Concat, one axis after the other. Exact.

    Requires known shapes. Ensures: no such Pad by constant, non-negative pads is left on axes of known length. Concat
    of parts of one tensor moves codes and changes none, so it runs in int8 on one grid wherever Pad would.
    """
    changed = False
    for node in tuple(model.graph):
        pads = _pads(node) if is_op(node, "Pad") else None
        if pads:
            _write(model.graph, node, pads)
            changed = True
    return changed


def _pads(node: ir.Node) -> list[tuple[int, int, int]] | None:
    """(axis, before, after) of every axis that grows; None of any other Pad."""
    source, given = node.inputs[0], constant_of(node.inputs[1])
    if node.attributes.get_string("mode", "constant") != "wrap" or source is None or source.shape is None:
        return None
    axes = constant_of(node.inputs[3]) if len(node.inputs) > 3 and node.inputs[3] is not None else None
    if given is None or (given < 0).any() or (axes is None and len(node.inputs) > 3 and node.inputs[3] is not None):
        return None
    rank = source.shape.rank()
    which = range(rank) if axes is None else [int(axis) % rank for axis in axes.reshape(-1)]
    before, after = given.reshape(2, -1).tolist()
    found = [(axis, first, last) for axis, first, last in zip(which, before, after, strict=True) if first or last]
    known = all(isinstance(source.shape.dims[axis], int) for axis, _, _ in found)
    return sorted(found) if known else None


def _write(graph: ir.Graph, node: ir.Node, pads: list[tuple[int, int, int]]) -> None:
    value = node.inputs[0]
    if value is None or value.shape is None:
        raise AssertionError("looked at before")
    shape = list(value.shape.dims)
    for number, (axis, before, after) in enumerate(pads):
        size = shape[axis]
        if not isinstance(size, int):
            raise AssertionError("looked at before")
        (whole_before, some_before), (whole_after, some_after) = divmod(before, size), divmod(after, size)
        parts = [value] * (whole_before + 1 + whole_after)
        if some_before:
            parts.insert(0, _part(graph, node, value, shape, axis, size - some_before, size))
        if some_after:
            parts.append(_part(graph, node, value, shape, axis, 0, some_after))
        shape[axis] = before + size + after
        if number == len(pads) - 1:
            replace_node(node, "Concat", parts, {"axis": axis})
            return
        value = _insert(graph, node, "Concat", parts, shape, {"axis": axis})


def _part(
    graph: ir.Graph, node: ir.Node, value: ir.Value, shape: list[int | ir.SymbolicDim], axis: int, start: int, end: int
) -> ir.Value:
    names = [(f"{node.name}_{what}", number) for what, number in (("start", start), ("end", end), ("axis", axis))]
    bounds = [add_initializer(graph, name, np.array([number], np.int64)) for name, number in names]
    return _insert(graph, node, "Slice", [value, *bounds], [*shape[:axis], end - start, *shape[axis + 1 :]], {})


def _insert(
    graph: ir.Graph, node: ir.Node, op: str, inputs: list[ir.Value], shape: list[int | ir.SymbolicDim],
    attributes: dict[str, int],
) -> ir.Value:  # fmt: skip
    name = free_name(graph, f"{node.outputs[0].name}_{op.lower()}")
    made = ir.node(op, inputs, attributes, name=name)
    output = made.outputs[0]
    output.name, output.type, output.shape = name, node.outputs[0].type, ir.Shape(shape)
    graph.insert_before(node, made)
    return output
