"""Values repeated along an axis by way of an Expand are an enlargement to the nearest."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from ..edit import add_initializer, bypass, constant_of, is_op, only_reader, replace_node

__all__ = ["repeat_to_resize"]

_MAP = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}


def repeat_to_resize(model: ir.Model) -> bool:
    """Write a repetition as Resize, which every format has. Exact.

    1. Reshape [… s, 1, …] → Expand [… s, r, …] → Reshape [… s·r, …], which repeat_interleave becomes, and with it
       Keras's UpSampling: Resize of that axis by r, nearest, asymmetric, floor.
    2. Two such Resizes, one behind the other, of whole factors: one by the products.

    Requires known shapes, the batch apart. Ensures: none of these is left.
    """
    changed = False
    while sum(_step(model.graph, node) for node in tuple(model.graph)):
        changed = True
    return changed


def _step(graph: ir.Graph, node: ir.Node) -> bool:
    return node.graph is not None and (_repetition(graph, node) or _two(graph, node))


def _dims(value: ir.Value | None) -> list[int | ir.SymbolicDim]:
    return [] if value is None or value.shape is None else list(value.shape.dims)


def _repetition(graph: ir.Graph, last: ir.Node) -> bool:
    """1."""
    middle = _former(last, "Reshape", "Expand")
    first = None if middle is None else _former(middle, "Expand", "Reshape")
    if middle is None or first is None:
        return False
    before, after = _dims(first.inputs[0]), _dims(last.outputs[0])
    split, spread = _dims(middle.inputs[0]), _dims(middle.outputs[0])
    if len(before) != len(after) or len(split) != len(spread) or len(split) != len(before) + 1:
        return False
    for axis, size in enumerate(before):
        times = spread[axis + 1]
        if not isinstance(size, int) or not isinstance(times, int) or times == 1:
            continue
        opened, repeated = (
            [*before[: axis + 1], 1, *before[axis + 1 :]],
            [*before[: axis + 1], times, *before[axis + 1 :]],
        )
        if split == opened and spread == repeated and after == [*before[:axis], size * times, *before[axis + 1 :]]:
            scales = np.ones(len(before), np.float32)
            scales[axis] = times
            held = add_initializer(graph, f"{last.name}_scales", scales)
            replace_node(last, "Resize", [first.inputs[0], None, held], _MAP)
            for node in (middle, first):
                graph.remove(node, safe=True)
            return True
    return False


def _former(node: ir.Node, op: str, before: str) -> ir.Node | None:
    """The node that makes what `node`, an `op`, reads, if it is a `before` that nobody else reads."""
    value = node.inputs[0] if is_op(node, op) else None
    producer = None if value is None else value.producer()
    fits = value is not None and is_op(producer, before) and only_reader(value) is node
    return producer if fits else None


def _two(graph: ir.Graph, node: ir.Node) -> bool:
    """2."""
    former = _former(node, "Resize", "Resize")
    if former is None:
        return False
    factors = [_factors(former), _factors(node)]
    if factors[0] is None or factors[1] is None:
        return False
    node.replace_input_with(2, add_initializer(graph, f"{node.name}_scales", (factors[0] * factors[1])))
    return bypass(former)


def _factors(node: ir.Node) -> np.ndarray | None:
    """Whole factors of a repetition; None of another Resize."""
    scales = constant_of(node.inputs[2]) if len(node.inputs) == 3 else None
    plain = set(node.attributes) <= set(_MAP)
    same = all(node.attributes.get_string(name, "") == value for name, value in _MAP.items())
    whole = scales is not None and scales.size > 0 and bool((scales == np.floor(scales)).all() and (scales >= 1).all())
    return scales.astype(np.float32) if scales is not None and plain and same and whole else None
