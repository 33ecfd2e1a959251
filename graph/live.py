"""Which activations are alive while each layer runs, when layers run in the order of the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx_ir as ir

__all__ = ["live_bytes", "peak_bytes"]


def live_bytes(graph: ir.Graph, bytes_of: Callable[[ir.Value], int]) -> list[int]:
    """Bytes of activations alive while each node runs.

    A value lives from the node that makes it (an input of the graph: from the first) through the last node that reads
    it (an output: to the end). A node's inputs and outputs are alive together: nothing is computed in place. Weights
    don't count. This is the least that in-order execution can do with.
    """
    nodes = list(graph)
    changes = [0] * (len(nodes) + 1)
    for value, (first, last) in _lifetimes(graph, nodes).items():
        changes[first] += bytes_of(value)
        changes[last + 1] -= bytes_of(value)
    alive, total = [], 0
    for change in changes[:-1]:
        total += change
        alive.append(total)
    return alive


def peak_bytes(alive: Sequence[int]) -> int:
    """The most that is alive at any time."""
    return max(alive, default=0)


def _lifetimes(graph: ir.Graph, nodes: list[ir.Node]) -> dict[ir.Value, tuple[int, int]]:
    """First and last node, by place in the graph, while which each activation lives."""
    spans = {value: (0, 0) for value in graph.inputs if not value.is_initializer()}
    for place, node in enumerate(nodes):
        for value in node.inputs:
            if value in spans:
                spans[value] = (spans[value][0], place)
        spans |= {value: (place, place) for value in node.outputs if value.name}
    ends = {value: (spans[value][0], len(nodes) - 1) for value in graph.outputs if value in spans}
    return spans | ends
