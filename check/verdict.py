"""From rows by layer to one verdict a runtime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from ..graph.kinds import Kind
from .difference import CodeDifference
from .layers import REFERENCE, LayerParity

__all__ = ["GOALS", "Goal", "ParityVerdict", "verdicts"]


@dataclass(frozen=True)
class Goal:
    """What rounding explains. share: of equal codes over all layers; layer_share: in any one; pool_share: in a pool.

    Engines differ in how they requantise int32 sums (float, fixed point with one rounding or with two), so a code whose
    exact value lies near the middle of two may fall on either side: `max_lsb`. More than that is a bug. Activations
    count for `max_lsb` alone: one is a table of 256 entries, and an entry on the other side of its middle moves every
    code that comes through it (MobileNetV3's HardSwish in LiteRT: 1 entry of 256, 3 % of the codes). Codes in the
    middle of two, where both are right, count as equal.
    """

    share: float
    layer_share: float
    pool_share: float
    max_lsb: int

    def least(self, kind: str) -> float:
        """The share of equal codes that a layer of this kind must reach."""
        return {Kind.ACTIVATION: 0.0, Kind.POOL: self.pool_share}.get(Kind(kind), self.layer_share)


GOALS: Mapping[str, Goal] = MappingProxyType(
    {
        REFERENCE: Goal(1.0, 1.0, 1.0, 0),
        "litert": Goal(0.99999, 0.999, 0.999, 1),
        "openvino": Goal(0.999, 0.99, 0.99, 1),
        # Its MEAN rounds the zero point's part of a sum apart from the sum: 0.55 of a pool's codes are equal.
        "tflite-runtime": Goal(0.98, 0.9, 0.3, 1),
    }
)
_ELSE = GOALS["litert"]


@dataclass(frozen=True)
class ParityVerdict:
    """One runtime over all layers.

    broken: layer → what is wrong with it, the layers that rounding does not explain. float_layers: layer → what of it
    ran in float. passed: nothing is broken and the share of equal codes, activations left out, is reached; layers in
    float do not fail it.
    """

    runtime: str
    layers: int
    codes: int
    equal: int
    share: float
    max_lsb: int
    goal: Goal
    broken: Mapping[str, str]
    float_layers: Mapping[str, str]
    passed: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def verdicts(rows: Iterable[LayerParity], goals: Mapping[str, Goal] = GOALS) -> tuple[ParityVerdict, ...]:
    """One for each runtime in `rows`, in the order of their first row. goals: by runtime; any other has LiteRT's."""
    by_runtime: dict[str, list[LayerParity]] = {}
    for row in rows:
        by_runtime.setdefault(row.runtime, []).append(row)
    return tuple(_verdict(runtime, found, goals.get(runtime, _ELSE)) for runtime, found in by_runtime.items())


def _verdict(runtime: str, rows: list[LayerParity], goal: Goal) -> ParityVerdict:
    total = sum((row.difference for row in rows), start=CodeDifference())
    summed = sum((row.difference for row in rows if row.kind != Kind.ACTIVATION), start=CodeDifference())
    broken = {row.layer: reason for row in rows if (reason := _broken(row, goal))}
    return ParityVerdict(
        runtime=runtime,
        layers=len(rows),
        codes=total.codes,
        equal=total.equal,
        share=total.share,
        max_lsb=total.max_lsb,
        goal=goal,
        broken=broken,
        float_layers={row.layer: ", ".join(row.float_ops) for row in rows if row.float_ops},
        passed=not broken and summed.equal + summed.middle >= goal.share * summed.codes,
    )


def _broken(row: LayerParity, goal: Goal) -> str:
    if row.failure:
        return row.failure
    if row.max_lsb > goal.max_lsb:
        return f"{row.max_lsb} LSB off, where rounding explains {goal.max_lsb}"
    least = goal.least(row.kind)
    # In a small layer one code may be more than the share allows.
    if row.codes - row.equal - row.middle > max(1, (1 - least) * row.codes):
        return f"{row.share:.3%} equal codes, where rounding explains {least:.1%}"
    return ""
