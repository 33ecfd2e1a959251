"""From what calibration saw to one grid a group of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from ...graph.quantization import QuantParams
from ..calibration.observed import Observed
from ..grouping import Group
from .grid import activation_grid, fixed_grid

__all__ = ["GroupRange", "RangeMethod", "group_grid", "group_range", "observe_constants"]

RangeMethod = Callable[[Observed], tuple[float, float]]
"""Sees one tensor's ends and histogram, and nothing of the network."""


@dataclass(frozen=True)
class GroupRange:
    """Ends of a group's grid. otherwise: the upper end where everything seen was zero."""

    low: float
    high: float
    otherwise: float = 1.0


def group_range(group: Group, observed: Mapping[str, Observed], method: RangeMethod) -> GroupRange:
    """The hull of what `method` says of each source, kept inside the source's bounds, and of the group's constants."""
    lows, highs = list(group.constants), list(group.constants)
    for name in group.sources:
        least, most = group.bounds[name]
        low, high = method(observed[name])
        lows.append(min(max(low, least), most))
        highs.append(max(min(high, most), least))
    most = group.hull[1]
    return GroupRange(min(lows), max(highs), most if np.isfinite(most) and most > 0.0 else 1.0)


def group_grid(group: Group, found: GroupRange | None, dtype: str) -> QuantParams:
    """The grid of a group. found: None for one with a fixed grid. dtype: "uint8" or "int8"."""
    if group.fixed is not None:
        return fixed_grid(*group.fixed, dtype)
    if found is None:
        raise ValueError(f"no range for {group.values}")
    return activation_grid(found.low, found.high, dtype, otherwise=found.otherwise)


def observe_constants(model: ir.Model, names: frozenset[str], *, histogram: bool) -> dict[str, Observed]:
    """Constants that stand in the place of an activation, seen once."""
    observed = {}
    for name in sorted(names):
        value = model.graph.initializers[name].const_value
        if value is None:
            raise ValueError(f"{name} is no constant")
        observed[name] = Observed(histogram=histogram)
        observed[name].add(value.numpy().astype(np.float32))
    return observed
