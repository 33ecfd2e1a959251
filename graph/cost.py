"""What each layer costs: parameters, multiply-accumulates, bytes moved, bytes alive while it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, prod

import onnx_ir as ir

from .kinds import Kind, kind_of
from .live import live_bytes
from .shapes import static_shape

__all__ = ["ElementBytes", "LayerCost", "float32_bytes", "graph_cost", "separable_share"]

ElementBytes = Callable[[ir.Value], int]
"""Bytes of one element of a value, as the network will hold it."""


@dataclass(frozen=True)
class LayerCost:
    """Cost of one node, a dynamic batch counting as 1.

    params: elements of its weights and biases (a shared weight counts where it is first used). macs: multiply-
    accumulates of convolutions and matrix products, 0 elsewhere; multiplications by padding count, as in published
    tables. bytes_moved: inputs + outputs + parameters, each once, at its own element size: the least traffic.
    live_activation_bytes: activations alive while the layer runs, its own inputs and outputs among them, in the order
    of the graph. output_shape: ONNX layout.
    """

    name: str
    kind: Kind
    op: str
    params: int
    macs: int
    bytes_moved: int
    live_activation_bytes: int
    output_shape: tuple[int, ...]


def float32_bytes(value: ir.Value) -> int:
    """Element size of a value in the type that the graph gives it: 4 for float32."""
    return ceil(value.dtype.itemsize) if value.dtype is not None else 4


def graph_cost(model: ir.Model, element_bytes: ElementBytes = float32_bytes) -> tuple[LayerCost, ...]:
    """Cost of every node, in the order of the graph.

    element_bytes: how large an element of a value is; for a quantised model `qdq.code_bytes(view)`: int8 counts 1.
    Requires known shapes. Raises GraphError if one is unknown.
    """
    alive = live_bytes(model.graph, lambda value: _bytes(value, element_bytes))
    seen: set[ir.Value] = set()
    costs = []
    for node, live in zip(model.graph, alive, strict=True):
        parameters = _parameters(node)
        new = [value for value in parameters if value not in seen]
        seen.update(new)
        moved = {*_activations(node), *parameters, *(value for value in node.outputs if value.name)}
        costs.append(
            LayerCost(
                name=node.name or node.op_type,
                kind=kind_of(node),
                op=node.op_type,
                params=sum(prod(static_shape(value)) for value in new),
                macs=_macs(node),
                bytes_moved=sum(_bytes(value, element_bytes) for value in moved),
                live_activation_bytes=live,
                output_shape=static_shape(node.outputs[0]),
            )
        )
    return tuple(costs)


def separable_share(costs: Sequence[LayerCost]) -> float:
    """Share of all MACs that lies in depthwise, pointwise and spatially separable layers, in [0, 1]."""
    total = sum(cost.macs for cost in costs)
    return sum(cost.macs for cost in costs if cost.kind.separable) / total if total else 0.0


def _bytes(value: ir.Value, element_bytes: ElementBytes) -> int:
    return prod(static_shape(value)) * element_bytes(value)


def _activations(node: ir.Node) -> list[ir.Value]:
    return [value for value in node.inputs if value is not None and value.name and not value.is_initializer()]


def _parameters(node: ir.Node) -> list[ir.Value]:
    """Learned numbers: float initialisers with a shape, not the bounds, axes and shapes that steer an op."""
    return [
        value
        for value in node.inputs
        if value is not None and value.is_initializer() and value.dtype == ir.DataType.FLOAT and static_shape(value)
    ]


def _macs(node: ir.Node) -> int:
    kind = kind_of(node)
    if kind is Kind.FULLY_CONNECTED:
        return prod(static_shape(node.outputs[0])) * _inner_length(node)
    if not (kind.convolution or kind is Kind.TRANSPOSED) or node.inputs[0] is None or node.inputs[1] is None:
        return 0
    # Each element of this side meets every weight of one filter.
    side = node.inputs[0] if kind is Kind.TRANSPOSED else node.outputs[0]
    _, *per_position = static_shape(node.inputs[1])
    return prod(static_shape(side)) * prod(per_position)


def _inner_length(node: ir.Node) -> int:
    """The length that a matrix product sums over."""
    left = node.inputs[0]
    if left is None:
        return 0
    return static_shape(left)[-2 if node.attributes.get_int("transA", 0) else -1]
