"""What rounding explains of a runtime's outputs, and what it does not."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .draft import Drawn
from .engines import Outcome
from .interval import Array, Interval
from .reference import Held, Reference

__all__ = ["Difference", "compare"]

_FLOAT = 1e-4
"""Of the greatest output: what two correct float32 engines differ by at most in a few layers, with room; a wrong pad,
bound or axis is off by the size of the values."""
_ON_GRID = 2e-3
"""In codes: dequantised values lie on their grid but for float32's rounding."""


@dataclass(frozen=True)
class Difference:
    """One output of one runtime. what: "" if rounding explains it all. codes: how many were compared; pinned: of how
    many the reference knows but one; equal: how many are the reference's middle."""

    output: str
    what: str = ""
    codes: int = 0
    pinned: int = 0
    equal: int = 0
    relative: float = field(default=0.0)


def compare(drawn: Drawn, outcome: Outcome, reference: Reference) -> list[Difference]:
    """One for each output of the graph."""
    found = []
    for info in drawn.model.graph.output:
        wanted, held = reference.values[info.name], reference.held.get(info.name)
        if info.name not in outcome.outputs:
            found.append(Difference(info.name, "is missing"))
            continue
        got = outcome.outputs[info.name].astype(np.float64)
        if got.shape != wanted.shape:
            found.append(Difference(info.name, f"has shape {list(got.shape)}, not {list(wanted.shape)}"))
        elif not np.isfinite(got).all():
            found.append(Difference(info.name, "is not finite"))
        elif held is not None and held.scale.size == 1:
            found.append(_codes(info.name, got, wanted, held))
        else:
            found.append(_reals(info.name, got, wanted))
    return found


def _codes(name: str, got: Array, wanted: Interval, held: Held) -> Difference:
    scale = float(held.scale[0])
    low, high = np.rint(wanted.low / scale), np.rint(wanted.high / scale)
    codes = got / scale
    counted = {
        "codes": codes.size,
        "pinned": int(np.sum(low == high)),
        "equal": int(np.sum(np.rint(codes) == np.rint(wanted.middle / scale))),
    }
    off_grid = float(np.abs(codes - np.rint(codes)).max(initial=0))
    if off_grid > _ON_GRID:
        return Difference(name, f"lies {off_grid:.3f} of a code off its grid", **counted)
    beyond = np.maximum(np.maximum(low - np.rint(codes), np.rint(codes) - high), 0)
    worst = int(beyond.max(initial=0))
    if not worst:
        return Difference(name, **counted)
    return Difference(
        name, f"{worst} LSB beyond what rounding explains, {int(np.sum(beyond > 0))} of {codes.size}", **counted
    )


def _reals(name: str, got: Array, wanted: Interval) -> Difference:
    span = float(wanted.magnitude.max(initial=0)) or 1.0
    beyond = np.maximum(np.maximum(wanted.low - got, got - wanted.high), 0)
    worst = float(beyond.max(initial=0))
    relative = float(np.abs(got - wanted.middle).max(initial=0)) / span
    what = f"{worst / span:.2e} of its range beyond what rounding explains" if worst > _FLOAT * span else ""
    return Difference(name, what, relative=relative)
