"""Small questions to a graph and small changes of one, on which passes and readers are built."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

__all__ = [
    "add_initializer",
    "both_ways",
    "bypass",
    "clip_bounds",
    "constant_of",
    "free_name",
    "is_op",
    "only_reader",
    "replace_node",
    "scalar_of",
    "standard_domain",
]


def standard_domain(node: ir.Node) -> bool:
    """Whether `node` is one of ONNX's own operators."""
    return node.domain in ("", "ai.onnx")


def is_op(node: ir.Node | None, *ops: str) -> bool:
    """Whether `node` is one of these standard operators."""
    return node is not None and standard_domain(node) and node.op_type in ops


def constant_of(value: ir.Value | None) -> NDArray[Any] | None:
    """The array that `value` always holds, None if it varies (or is not there)."""
    if value is None or (value.is_initializer() and value.is_graph_input()):
        return None
    tensor = ir.convenience.get_const_tensor(value)
    return None if tensor is None else tensor.numpy()


def scalar_of(value: ir.Value | None) -> float | None:
    """The one number that `value` always holds, of whatever rank; None if it varies or holds several."""
    array = constant_of(value)
    return float(array.reshape(())) if array is not None and array.size == 1 else None


def clip_bounds(clip: ir.Node) -> tuple[float | None, float | None]:
    """Least and greatest value that a Clip lets through: infinite where not given, None where computed."""
    low, high = [*clip.inputs[1:], None, None][:2]
    return _bound(low, -math.inf), _bound(high, math.inf)


def _bound(value: ir.Value | None, unbounded: float) -> float | None:
    number = unbounded if value is None else scalar_of(value)
    # "No bound" is often written as the greatest float.
    return unbounded if number is not None and abs(number) >= np.finfo(np.float32).max else number


def both_ways(node: ir.Node) -> Iterator[tuple[ir.Value | None, ir.Value | None]]:
    """The two inputs of a commutative operator, in either order."""
    one, other = node.inputs[:2]
    yield one, other
    yield other, one


def only_reader(value: ir.Value) -> ir.Node | None:
    """The one node that reads `value`, once; None if others do, or if it is an output of the graph."""
    uses = tuple(value.uses())
    return uses[0].node if len(uses) == 1 and not value.is_graph_output() else None


def free_name(graph: ir.Graph, wanted: str) -> str:
    """`wanted`, with a number added if another value of the graph already has that name."""
    taken = set(graph.initializers) | {value.name for value in graph.inputs}
    taken |= {value.name for node in graph.all_nodes() for value in node.outputs}
    name, number = wanted, 1
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


def add_initializer(graph: ir.Graph, name: str, array: NDArray[Any]) -> ir.Value:
    """A new initialiser that holds `array`, called `name` or nearly so."""
    tensor = ir.tensor(np.asarray(array, order="C"), name=free_name(graph, name))
    value = ir.Value(
        name=tensor.name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor
    )
    graph.register_initializer(value)
    return value


def replace_node(
    node: ir.Node, op: str, inputs: Sequence[ir.Value | None], attributes: Mapping[str, Any] | None = None
) -> ir.Node:
    """Put a standard operator in the place of `node`: same single output by name, type and shape, same metadata."""
    graph, old = node.graph, node.outputs[0]
    if not isinstance(graph, ir.Graph):
        raise ValueError(f"'{node.name}' is in no graph")
    new = ir.node(op, inputs, attributes=attributes or {}, name=node.name)
    new.metadata_props.update(node.metadata_props)
    output = new.outputs[0]
    output.shape, output.type = old.shape, old.type
    output.metadata_props.update(old.metadata_props)
    graph.insert_before(node, new)
    name, old.name = old.name, None
    old.replace_all_uses_with(output, replace_graph_outputs=True)
    graph.remove(node, safe=True)
    output.name = name
    return new


def bypass(node: ir.Node) -> bool:
    """Take `node` out, its readers reading its first input instead; an output of the graph keeps its name.

    Returns False, and changes nothing, where the node is all that joins an output to an input, a constant or another
    output of the graph.
    """
    graph, source, output = node.graph, node.inputs[0], node.outputs[0]
    if graph is None or source is None:
        return False
    if output.is_graph_output():
        if source.is_graph_input() or source.is_initializer() or source.is_graph_output() or source.graph is not graph:
            return False
        name, output.name = output.name, None
        source.name = name
        source.shape, source.type = output.shape or source.shape, output.type or source.type
    output.replace_all_uses_with(source, replace_graph_outputs=True)
    graph.remove(node, safe=True)
    return True
