"""What a layer in float costs, and which layers are next to one another."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import onnx_ir as ir

from ...graph.cost import graph_cost

__all__ = ["CostBy", "Costs", "layer_costs", "neighbours"]

CostBy = Literal["macs", "bytes"]
Costs = Mapping[str, float]
"""By layer name; positive, in any unit."""

_MORE = 3
"""Bytes that a weight takes more in float32 than in int8."""


def layer_costs(model: ir.Model, layers: Collection[str], by: CostBy) -> dict[str, float]:
    """Cost of each of `layers` of a canonical float `model` in float.

    by: "macs", its multiply-accumulates, which time goes with; "bytes", how much larger the file gets.
    """
    rows = {row.name: row for row in graph_cost(model)}
    return {name: float(rows[name].macs if by == "macs" else _MORE * rows[name].params) for name in layers}


def neighbours(model: ir.Model, layers: Collection[str]) -> dict[str, frozenset[str]]:
    """Layer → the layers that read what it makes or make what it reads, through nodes that are none of `layers`."""
    inside = set(layers)
    before: dict[ir.Node, frozenset[str]] = {}
    found: dict[str, set[str]] = {name: set() for name in layers}
    for node in model.graph:
        nearest = frozenset(
            name
            for near in node.predecessors()
            for name in ([near.name] if near.name in inside else before.get(near, ()))
            if name is not None
        )
        before[node] = nearest
        if node.name in inside and node.name is not None:
            for name in nearest:
                found[node.name].add(name)
                found[name].add(node.name)
    return {name: frozenset(near) for name, near in found.items()}
