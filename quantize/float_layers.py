"""Nodes that are left in float because somebody asked for it, and those that follow them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

import onnx_ir as ir

from ..errors import ConfigError, nearest
from .read_layer import WITH_WEIGHTS

__all__ = ["ASKED", "leave_in_float", "named_nodes"]

ASKED = "asked for by the recipe"

Reasons = Mapping[ir.Node, str | None]
"""Why a node stays in float; None: it can run in int8."""

_ACTIVATIONS = ("Relu", "Clip", "HardSwish", "HardSigmoid")


def named_nodes(model: ir.Model, names: Sequence[str]) -> tuple[str, ...]:
    """Names of the nodes of a canonical `model` that `names` mean, in the order of the graph.

    names: of nodes, or patterns with * and ? ("blocks.13.*"); a node that has such a sign in its name is found by its
    whole name, too. Raises ConfigError with the nearest names for one that means nothing.
    """
    known = [node.name or "" for node in model.graph]
    for name in names:
        if not _meant(name, known):
            what = f"no node's name fits '{name}'" if _is_pattern(name) else f"no node is called '{name}'"
            raise ConfigError("float_layers", what, accepted=nearest(name, known))
    found = {node for name in names for node in _meant(name, known)}
    return tuple(node for node in known if node in found)


def leave_in_float(model: ir.Model, reasons: Reasons, asked_for: Mapping[str, str]) -> dict[ir.Node, str | None]:
    """`reasons` with those of the nodes `asked_for` (name → reason), and of what follows from them:

    1. The activation function that alone reads such a node goes with it: between pairs of its own it would round twice
       what float kernels do in one.
    2. Nodes without weights (Add, pools) that have layers in float alone around them, at least one of these among them,
       go with them: pairs there would cost accuracy and time for nothing.
    3. A node without weights that has int8 all around stays int8 whatever is asked. Between DequantizeLinear and
       QuantizeLinear the file says the same of both, and runtimes compute it on codes.
    """
    found: dict[ir.Node, str | None] = dict(reasons)
    if not asked_for:
        return found
    asked = {node for node in model.graph if node.name in asked_for and found[node] is None}
    found |= {node: asked_for[node.name or ""] for node in asked}
    for node in model.graph:
        before = _read_alone(node)
        if before in asked and before is not None and found[node] is None:
            asked.add(node)
            found[node] = f"the activation of '{before.name}', which is in float"
    for nodes in _without_weights(node for node in model.graph if found[node] is None):
        around = {near for node in nodes for near in _neighbours(node)} - nodes
        if around & asked and all(found[near] is not None for near in around):
            found |= dict.fromkeys(nodes, "has nothing around it but layers in float")
    for nodes in _without_weights(asked):
        around = {near for node in nodes for near in _neighbours(node)} - nodes
        at_an_end = any(_at_an_end(node) for node in nodes)
        if not at_an_end and all(found[near] is None for near in around):
            found |= dict.fromkeys(nodes, None)
    return found


def _meant(name: str, known: Sequence[str]) -> list[str]:
    if name in known:
        return [name]
    return [node for node in known if fnmatchcase(node, name)] if _is_pattern(name) else []


def _read_alone(node: ir.Node) -> ir.Node | None:
    """The node whose only reader is the activation function `node`."""
    value = node.inputs[0] if node.op_type in _ACTIVATIONS and node.inputs else None
    if value is None or len(value.uses()) != 1 or value.is_graph_output():
        return None
    return value.producer()


def _without_weights(nodes: Iterable[ir.Node]) -> list[set[ir.Node]]:
    """Those of `nodes` that have no weights, in sets of neighbours."""
    left = {node: None for node in nodes if node.op_type not in WITH_WEIGHTS}
    sets = []
    while left:
        found: set[ir.Node] = set()
        waiting = [next(iter(left))]
        while waiting:
            node = waiting.pop()
            if node in left:
                del left[node]
                found.add(node)
                waiting += _neighbours(node)
        sets.append(found)
    return sets


def _neighbours(node: ir.Node) -> list[ir.Node]:
    return [*node.predecessors(), *node.successors()]


def _at_an_end(node: ir.Node) -> bool:
    values = [value for value in node.inputs if value is not None]
    return any(value.is_graph_input() for value in values) or any(value.is_graph_output() for value in node.outputs)


def _is_pattern(name: str) -> bool:
    return "*" in name or "?" in name
