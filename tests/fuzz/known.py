"""A runtime's fault by name, and what the conditions of all of them look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .draft import Drawn
from .interval import Array
from .reference import evaluate

__all__ = ["Known", "constants_of", "grids_of", "nodes_of", "off_zero", "readers_of", "says_same", "unchanged"]


@dataclass(frozen=True)
class Known:
    """name: in a few words. distribution, version: as on PyPI, where it was seen. engines: as in `engines.ENGINES`.

    graph: the condition, in words; holds: in code. shows: what one sees.
    """

    name: str
    distribution: str
    version: str
    engines: tuple[str, ...]
    graph: str
    shows: str
    holds: Callable[[Drawn], bool]


def nodes_of(drawn: Drawn, *ops: str) -> Iterator[tuple[onnx.NodeProto, dict[str, Any]]]:
    for node in drawn.model.graph.node:
        if node.op_type in ops:
            yield node, {a.name: helper.get_attribute_value(a) for a in node.attribute}


def constants_of(drawn: Drawn) -> dict[str, Array]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in drawn.model.graph.initializer}


def grids_of(drawn: Drawn) -> dict[str, tuple[Array, Array]]:
    """Scale and zero point of every value that a DequantizeLinear makes of codes which the graph computes."""
    held = constants_of(drawn)
    return {
        node.output[0]: (held[node.input[1]], held[node.input[2]])
        for node in drawn.model.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] not in held
    }


def readers_of(drawn: Drawn) -> dict[str, list[onnx.NodeProto | None]]:
    """Of every value, in order; None for an output of the graph."""
    found: dict[str, list[onnx.NodeProto | None]] = {}
    for node in drawn.model.graph.node:
        for name in dict.fromkeys(node.input):
            found.setdefault(name, []).append(node)
    for info in drawn.model.graph.output:
        found.setdefault(info.name, []).append(None)
    return found


def off_zero(drawn: Drawn, name: str) -> bool:
    """Whether 0 has a code other than 0."""
    grid = grids_of(drawn).get(name)
    return grid is not None and bool(grid[1].any())


def says_same(attributes: dict[str, Any]) -> bool:
    """SAME_UPPER or SAME_LOWER."""
    return attributes.get("auto_pad", b"").startswith(b"SAME")


def unchanged(drawn: Drawn) -> dict[str, str]:
    """Values that are their node's first input and nothing else, by name of the value: an optimiser takes them out."""
    values = evaluate(drawn.model, drawn.feeds).values
    found = {}
    for node in drawn.model.graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") or not node.input or len(node.output) != 1:
            continue
        before, after = values.get(node.input[0]), values[node.output[0]]
        if before is not None and before.shape == after.shape and np.array_equal(before.middle, after.middle):
            found[node.output[0]] = node.input[0]
    return found
