"""Transposes move towards the outputs until they meet their opposites."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx_ir as ir

from ..edit import add_initializer, constant_of, free_name, is_op, replace_node
from .to_reshape import target_shape

__all__ = ["sink_transposes", "still_transposes"]

_ONE_INPUT = (
    "Relu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "LeakyRelu", "Elu", "Softplus", "Gelu", "Mish",
    "Swish", "Erf", "Exp", "Log", "Sqrt", "Abs", "Neg", "Cast", "Identity",
)  # fmt: skip
_SEVERAL = ("Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu", "Concat")
_REDUCTIONS = ("ReduceMean", "ReduceMax", "ReduceSum")


def sink_transposes(model: ir.Model) -> bool:
    """Move each Transpose behind what reads it, and join those that meet. Exact, but for the order of a mean's sum.

    1. An elementwise op, or Concat, whose inputs are transposes by one order, or constants: the op reads what they
       read, its constants turned round, and one Transpose follows.
    2. A reduction over axes: the same axes of the input; what is left of the order follows.
    3. A Pad by constants: the same pads of the input.
    4. A Resize by constant factors: the same factors of the input.
    5. A Transpose of a Transpose is one.

    Requires known shapes. Ensures: none of these is left, so a network whose every layer stands between a Transpose to
    [N, C, H, W] and one back (TensorFlow's, by tf2onnx or Keras) keeps those at its ends alone.
    """
    changed = False
    while sum(_step(model.graph, node) for node in tuple(model.graph)):
        changed = True
    return changed


def _step(graph: ir.Graph, node: ir.Node) -> bool:
    return node.graph is not None and any(step(graph, node) for step in _STEPS)


def _order(value: ir.Value | None) -> list[int] | None:
    """How the Transpose that makes `value` orders the axes; None if none does."""
    node = None if value is None else value.producer()
    if node is None or not is_op(node, "Transpose") or value is None or value.is_graph_output():
        return None
    rank = value.shape.rank() if value.shape is not None else 0
    return list(node.attributes.get_ints("perm", [])) or list(reversed(range(rank)))


def _source(value: ir.Value) -> ir.Value:
    node = value.producer()
    source = node.inputs[0] if node is not None else None
    if source is None:
        raise AssertionError("looked at before")
    return source


def _join(graph: ir.Graph, node: ir.Node) -> bool:
    """5."""
    former = _order(node.inputs[0]) if is_op(node, "Transpose") else None
    if former is None or node.inputs[0] is None:
        return False
    order = [former[axis] for axis in _own_order(node)]
    replace_node(node, "Transpose", [_source(node.inputs[0])], {"perm": order})
    return True


def still_transposes(model: ir.Model) -> bool:
    """Write a Transpose that only moves axes of length 1 as a Reshape. Exact. Run it behind `sink_transposes`.

    Ensures: none is left, but where two sizes are not known.
    """
    changed = False
    for node in tuple(model.graph):
        if is_op(node, "Transpose"):
            changed |= _as_reshape(model.graph, node)
    return changed


def _as_reshape(graph: ir.Graph, node: ir.Node) -> bool:
    order, shape = _own_order(node), node.inputs[0].shape if node.inputs[0] is not None else None
    if shape is None or order == sorted(order):
        return False
    long = [axis for axis in order if shape.dims[axis] != 1]
    if long != sorted(long) or sum(not isinstance(size, int) for size in shape.dims) > 1:
        return False
    wanted = add_initializer(graph, f"{node.outputs[0].name}_shape", target_shape(node.outputs[0]))
    replace_node(node, "Reshape", [node.inputs[0], wanted])
    return True


def _own_order(node: ir.Node) -> list[int]:
    rank = node.inputs[0].shape.rank() if node.inputs[0] is not None and node.inputs[0].shape is not None else 0
    return list(node.attributes.get_ints("perm", [])) or list(reversed(range(rank)))


def _elementwise(graph: ir.Graph, node: ir.Node) -> bool:
    """1."""
    if not is_op(node, *_ONE_INPUT, *_SEVERAL) or len(node.outputs) != 1 or node.inputs[0] is None:
        return False
    count = len(node.inputs) if is_op(node, *_SEVERAL) else 1
    data = node.inputs[:count]
    orders = [order for value in data if (order := _order(value)) is not None]
    if not orders or any(order != orders[0] for order in orders):
        return False
    order = orders[0]
    inputs: list[ir.Value | None] = []
    for value in data:
        turned = _turned(graph, value, order)
        if turned is None:
            return False
        inputs.append(turned)
    attributes = dict(node.attributes.items())
    if is_op(node, "Concat"):
        attributes["axis"] = ir.AttrInt64("axis", order[node.attributes.get_int("axis", 0) % len(order)])
    _behind(graph, node, [*inputs, *node.inputs[count:]], attributes, order)
    return True


def _turned(graph: ir.Graph, value: ir.Value | None, order: Sequence[int]) -> ir.Value | None:
    """What `value` is before its Transpose; of a constant, its values in that order."""
    if value is None:
        return None
    if _order(value) is not None:
        return _source(value)
    array = constant_of(value)
    if array is None or array.ndim > len(order):
        return None
    if array.size == 1:
        return value
    spread = array.reshape((1,) * (len(order) - array.ndim) + array.shape)
    return add_initializer(graph, f"{value.name}_turned", spread.transpose(_undo(order)))


def _undo(order: Sequence[int]) -> list[int]:
    return [list(order).index(axis) for axis in range(len(order))]


def _reduction(graph: ir.Graph, node: ir.Node) -> bool:
    """2."""
    order = _order(node.inputs[0]) if is_op(node, *_REDUCTIONS) else None
    if order is None or node.inputs[0] is None:
        return False
    given = constant_of(node.inputs[1]) if len(node.inputs) > 1 and node.inputs[1] is not None else None
    axes = node.attributes.get_ints("axes", []) if given is None else given.reshape(-1).tolist()
    if not axes:
        return False
    places = sorted(order[int(axis) % len(order)] for axis in axes)
    attributes = {name: attribute for name, attribute in node.attributes.items() if name != "axes"}
    source = _source(node.inputs[0])
    if given is None:
        inputs: list[ir.Value | None] = [source]
        attributes["axes"] = ir.AttrInt64s("axes", places)
    else:
        inputs = [source, add_initializer(graph, f"{node.name}_axes", np.array(places, np.int64))]
    if node.attributes.get_int("keepdims", 1):
        left = order
    else:
        kept = [axis for axis in order if axis not in places]
        left = [sorted(kept).index(axis) for axis in kept]
    _behind(graph, node, inputs, attributes, left)
    return True


def _padding(graph: ir.Graph, node: ir.Node) -> bool:
    """3."""
    order = _order(node.inputs[0]) if is_op(node, "Pad") else None
    if order is None or node.inputs[0] is None or (len(node.inputs) > 3 and node.inputs[3] is not None):
        return False
    pads = constant_of(node.inputs[1])
    if pads is None:
        return False
    turned = pads.reshape(2, -1)[:, _undo(order)].reshape(-1)
    held = add_initializer(graph, f"{node.name}_pads", turned)
    _behind(graph, node, [_source(node.inputs[0]), held, *node.inputs[2:3]], dict(node.attributes.items()), order)
    return True


def _resize(graph: ir.Graph, node: ir.Node) -> bool:
    """4."""
    order = _order(node.inputs[0]) if is_op(node, "Resize") else None
    given = constant_of(node.inputs[2]) if len(node.inputs) > 2 else None
    plain = len(node.inputs) < 4 and "axes" not in node.attributes and "keep_aspect_ratio_policy" not in node.attributes
    if order is None or node.inputs[0] is None or given is None or not plain or given.size != len(order):
        return False
    scales = add_initializer(graph, f"{node.name}_scales", given[_undo(order)])
    _behind(graph, node, [_source(node.inputs[0]), None, scales], dict(node.attributes.items()), order)
    return True


def _behind(
    graph: ir.Graph, node: ir.Node, inputs: list[ir.Value | None], attributes: dict[str, ir.Attr], order: list[int]
) -> None:
    """The op on `inputs`, and a Transpose of its result in the place of `node`."""
    result = node.outputs[0]
    name = free_name(graph, f"{result.name}_before")
    moved = ir.node(node.op_type, inputs, name=f"{node.name}_moved")
    for attribute in attributes.values():
        moved.attributes[attribute.name] = attribute
    output = moved.outputs[0]
    output.name, output.type = name, result.type
    if result.shape is not None:
        output.shape = ir.Shape([result.shape.dims[place] for place in _undo(order)])
    graph.insert_before(node, moved)
    replace_node(node, "Transpose", [output], {"perm": list(order)})


_STEPS: tuple[Callable[[ir.Graph, ir.Node], bool], ...] = (_join, _elementwise, _reduction, _padding, _resize)
