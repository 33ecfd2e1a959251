"""Which tensors share one grid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from .op_table import ROWS, Rule, bounds_of

__all__ = ["Group", "Grouping", "group_values"]

Bounds = tuple[float, float]
Fixed = tuple[float, int]


@dataclass(frozen=True)
class Group:
    """Tensors that share one grid. values: all of them. sources: those that decide it, which calibration watches.

    bounds: by source, ends that it cannot pass. constants: values that the grid must hold besides (what Pad writes).
    fixed: (scale, zero point in uint8) where the grid is known beforehand.
    """

    values: tuple[str, ...]
    sources: tuple[str, ...]
    bounds: Mapping[str, Bounds]
    constants: tuple[float, ...] = ()
    fixed: Fixed | None = None

    @property
    def hull(self) -> Bounds:
        """Ends that no value of the group can pass."""
        lows = [self.bounds[name][0] for name in self.sources]
        highs = [self.bounds[name][1] for name in self.sources]
        return min([*lows, *self.constants]), max([*highs, *self.constants])


@dataclass(frozen=True)
class Grouping:
    """groups: in the order in which the graph makes their first value. apart: (node, input index) → the output whose
    grid that input must be brought to, for an input of Concat that has a fixed grid of its own.
    """

    groups: tuple[Group, ...]
    apart: Mapping[tuple[str, int], str]

    def index(self) -> dict[str, int]:
        """Value name → index of its group."""
        return {name: number for number, group in enumerate(self.groups) for name in group.values}


class _Sets:
    """Union-find over values; `members` in the order in which they were first named."""

    def __init__(self) -> None:
        self.parent: dict[ir.Value, ir.Value] = {}

    def find(self, value: ir.Value) -> ir.Value:
        self.parent.setdefault(value, value)
        while self.parent[value] is not value:
            value = self.parent[value]
        return value

    def union(self, one: ir.Value, other: ir.Value) -> None:
        self.parent[self.find(other)] = self.find(one)

    def members(self) -> list[list[ir.Value]]:
        found: dict[ir.Value, list[ir.Value]] = defaultdict(list)
        for value in self.parent:
            found[self.find(value)].append(value)
        return list(found.values())


def group_values(quantized: Sequence[ir.Node], dropped: Mapping[ir.Node, ir.Node]) -> Grouping:
    """Group the activations of int8 nodes, in graph order.

    dropped: Relu or Clip → the node that takes it in; the value between the two has no grid.
    """
    sets = _Sets()
    apart: dict[tuple[str, int], str] = {}
    written: dict[ir.Value, list[float]] = defaultdict(list)
    absorbing = set(dropped.values())
    for node in quantized:
        row = ROWS[node.op_type]
        inputs = row.activations(node)
        if node not in dropped:
            for _, value in inputs:
                sets.find(value)
        if node not in absorbing:
            for value in node.outputs:
                sets.find(value)
        if row.rule is Rule.SAME:
            for value in node.outputs:
                sets.union(inputs[0][1], value)
            written[node.outputs[0]] = _written(node)
        elif row.rule is Rule.UNIFIED:
            apart |= _unify(node, inputs, sets)
    groups = [_one_group(values, set(quantized), dropped, written) for values in sets.members()]
    return Grouping(tuple(groups), apart)


def _unify(node: ir.Node, inputs: list[tuple[int, ir.Value]], sets: _Sets) -> dict[tuple[str, int], str]:
    """Join the inputs with the output; those of a fixed grid stay apart unless all have the same one."""
    output = node.outputs[0]
    fixed = {index: _fixed_at(value) for index, value in inputs}
    alike = len(set(fixed.values())) == 1
    for index, value in inputs:
        if fixed[index] is None or alike:
            sets.union(output, value)
    return {
        (node.name or "", index): output.name or "" for index, grid in fixed.items() if grid is not None and not alike
    }


def _fixed_at(value: ir.Value) -> Fixed | None:
    """The fixed grid that `value` has from the op that made it, looking through ops that move values."""
    node = value.producer()
    while node is not None and (row := ROWS.get(node.op_type)) is not None:
        if row.rule is not Rule.SAME or node.inputs[0] is None:
            return row.fixed
        node = node.inputs[0].producer()
    return None


def _written(node: ir.Node) -> list[float]:
    """What a Pad puts at the borders."""
    if node.op_type != "Pad" or node.attributes.get_string("mode", "constant") != "constant":
        return []
    value = node.inputs[2] if len(node.inputs) > 2 else None
    return [0.0] if value is None or value.const_value is None else [float(value.const_value.numpy().reshape(()))]


def _one_group(
    values: list[ir.Value],
    inside: set[ir.Node],
    dropped: Mapping[ir.Node, ir.Node],
    written: Mapping[ir.Value, list[float]],
) -> Group:
    sources = [value for value in values if not _moved(value, inside)]
    fixed = {_own_fixed(value, inside) for value in sources}
    added = [number for value in values for number in written.get(value, ())]
    return Group(
        values=tuple(value.name or "" for value in values),
        sources=tuple(value.name or "" for value in sources),
        bounds={value.name or "": _bounds(value, inside, dropped) for value in sources},
        constants=tuple(added),
        fixed=fixed.pop() if len(fixed) == 1 else None,
    )


def _moved(value: ir.Value, inside: set[ir.Node]) -> bool:
    node = value.producer()
    return node in inside and node is not None and ROWS[node.op_type].rule in (Rule.SAME, Rule.UNIFIED)


def _own_fixed(value: ir.Value, inside: set[ir.Node]) -> Fixed | None:
    node = value.producer()
    return ROWS[node.op_type].fixed if node is not None and node in inside else None


def _bounds(value: ir.Value, inside: set[ir.Node], dropped: Mapping[ir.Node, ir.Node]) -> Bounds:
    node = value.producer()
    if node is None or node not in inside:
        return -np.inf, np.inf
    low, high = bounds_of(node)
    if node in dropped and node.inputs[0] is not None:
        below = _bounds(node.inputs[0], inside, dropped)
        low, high = max(low, below[0]), min(high, below[1])
    return low, high
