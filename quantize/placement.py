"""Where QuantizeLinear/DequantizeLinear pairs go, before any value is known.

Promises: a tensor that several nodes read has one pair; tensors that must share a grid are in one group; an activation
function is dropped only where the grid that follows it cannot pass its bounds; every node with float values is either
int8 with all of its data inputs and outputs, or in `left_float` with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx_ir as ir

from .float_layers import leave_in_float
from .grouping import Group, Grouping, group_values
from .layer import Layer
from .op_table import ROWS, Rule, bounds_of, refusal
from .read_layer import WITH_WEIGHTS, read_layer

__all__ = ["LeftFloat", "Placement", "place"]


@dataclass(frozen=True)
class LeftFloat:
    """A node that stays in float, and why."""

    node: str
    op: str
    reason: str


@dataclass(frozen=True)
class Placement:
    """groups: every tensor that gets a grid. layers: those with weights, in execution order. int8: names of the nodes
    that run in int8. dropped: Relu or Clip → the node before it that takes it in. apart: (node, input index) → the
    value whose grid that input is brought to by a pair of its own. constants: initialisers held as codes.
    """

    groups: tuple[Group, ...]
    layers: tuple[Layer, ...]
    int8: tuple[str, ...]
    dropped: Mapping[str, str]
    apart: Mapping[tuple[str, int], str]
    constants: frozenset[str]
    left_float: tuple[LeftFloat, ...]

    def watched(self) -> tuple[str, ...]:
        """Values that calibration must see: sources of groups that are not fixed, constants apart."""
        free = (group for group in self.groups if group.fixed is None)
        return tuple(name for group in free for name in group.sources if name not in self.constants)


def place(model: ir.Model, *, float_nodes: Mapping[str, str] | None = None) -> Placement:
    """Place the pairs in a canonical float model, whose nodes have unique names. The model is not changed.

    float_nodes: name → reason of nodes to leave in float, though they could run in int8 (see `leave_in_float`); unknown
    ones mean nothing.
    """
    reasons = leave_in_float(model, {node: refusal(node) for node in model.graph}, float_nodes or {})
    quantized = _anchored([node for node, reason in reasons.items() if reason is None])
    dropped = _droppable(quantized)
    grouping = group_values(quantized, dropped)
    kept = _passing(dropped, grouping)
    if kept:
        # What is kept reads a tensor with a grid of its own, so no group grows and nothing else need be kept.
        dropped = {node: before for node, before in dropped.items() if node not in kept}
        grouping = group_values(quantized, dropped)
    return Placement(
        groups=grouping.groups,
        layers=_layers(quantized, dropped),
        int8=tuple(node.name or "" for node in quantized if node not in dropped),
        dropped={node.name or "": before.name or "" for node, before in dropped.items()},
        apart=grouping.apart,
        constants=_constants(quantized),
        left_float=_left(reasons, set(quantized)),
    )


def _anchored(candidates: Sequence[ir.Node]) -> list[ir.Node]:
    """Without ops that only move values between float neighbours: int8 there would cost accuracy and gain nothing."""
    kept = {node for node in candidates if ROWS[node.op_type].rule in (Rule.OWN, Rule.FIXED)}
    waiting = set(candidates) - kept
    while found := {node for node in waiting if not kept.isdisjoint((*node.predecessors(), *node.successors()))}:
        kept |= found
        waiting -= found
    return [node for node in candidates if node in kept]


def _droppable(quantized: Sequence[ir.Node]) -> dict[ir.Node, ir.Node]:
    """Relu and Clip that follow an op with a grid of its own and are all that reads it."""
    inside = set(quantized)
    dropped: dict[ir.Node, ir.Node] = {}
    for node in quantized:
        value = node.inputs[0]
        if node.op_type not in ("Relu", "Clip") or value is None:
            continue
        before = value.producer()
        alone = len(value.uses()) == 1 and not value.is_graph_output()
        if alone and before is not None and before in inside and ROWS[before.op_type].rule is Rule.OWN:
            dropped[node] = before
    return dropped


def _passing(dropped: Mapping[ir.Node, ir.Node], grouping: Grouping) -> set[ir.Node]:
    """Dropped activations whose grid may pass their bounds, because it must hold other tensors too."""
    index = grouping.index()
    passing = set()
    absorbing = set(dropped.values())
    for node in dropped:
        # In a chain of two the last one's bounds hold those of both.
        if node in absorbing:
            continue
        low, high = grouping.groups[index[node.outputs[0].name or ""]].hull
        least, most = bounds_of(node)
        if low < least or high > most:
            passing.add(node)
    return passing


def _layers(quantized: Sequence[ir.Node], dropped: Mapping[ir.Node, ir.Node]) -> tuple[Layer, ...]:
    after = {before: node for node, before in dropped.items()}
    layers = []
    for node in quantized:
        if node.op_type in WITH_WEIGHTS:
            last = node
            while last in after:
                last = after[last]
            layers.append(read_layer(node, last.outputs[0].name or ""))
    return tuple(layers)


def _constants(quantized: Sequence[ir.Node]) -> frozenset[str]:
    inputs = (value for node in quantized for _, value in ROWS[node.op_type].activations(node))
    return frozenset(value.name or "" for value in inputs if value.const_value is not None)


def _left(reasons: Mapping[ir.Node, str | None], inside: set[ir.Node]) -> tuple[LeftFloat, ...]:
    return tuple(
        LeftFloat(node.name or "", node.op_type, reason or "moves values between layers that are in float")
        for node, reason in reasons.items()
        if node not in inside and any(value.dtype == ir.DataType.FLOAT for value in node.outputs)
    )
