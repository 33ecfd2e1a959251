"""What one quantisation did, for people and for `quantization.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..graph.quantization import QuantParams
from .calibration.observed import Observed
from .climb import Climb
from .layer import Layer, RoundedLayer
from .loss import Loss
from .mixed.found import Mixed
from .placement import LeftFloat
from .rounding.weights import raised_channels

__all__ = ["CalibrationFacts", "Quantization", "RoundedFacts", "TensorFacts", "rounded_facts", "tensor_facts"]


@dataclass(frozen=True)
class CalibrationFacts:
    """name: of the data, as the report says it. count: samples seen. built_in: nobody gave any data."""

    name: str
    count: int
    built_in: bool


@dataclass(frozen=True)
class TensorFacts:
    """One activation's grid. seen: least and greatest value in calibration, None where it was not watched. low, high:
    ends of the grid. zero_point: in the encoding of the file.
    """

    tensor: str
    scale: float
    zero_point: int
    low: float
    high: float
    seen: tuple[float, float] | None


@dataclass(frozen=True)
class RoundedFacts:
    """One layer's weights. sqnr_db: power of the float weights over that of their error, None for exact ones.

    raised: channels whose scale was set by their bias or by the accumulator and not by their weights (dead channels).
    """

    layer: str
    kind: str
    channels: int
    sqnr_db: float | None
    raised: int


@dataclass(frozen=True)
class Quantization:
    """recipe: its name. settings: what it says. phases: seconds by phase; `seconds` is their sum."""

    recipe: str
    settings: Mapping[str, Any]
    activations: str
    saturation_safe: bool
    calibration: CalibrationFacts
    tensors: tuple[TensorFacts, ...]
    layers: tuple[RoundedFacts, ...]
    left_float: tuple[LeftFloat, ...]
    losses: Mapping[str, Loss]
    """On the samples "seen" by a recipe that learns, and on those "held back"; empty for one that does not."""
    absorbed: Mapping[str, str]
    """Relu or Clip → the layer whose grid does its work."""
    phases: Mapping[str, float]
    notes: tuple[str, ...] = ()
    """What the user should know of the float network, a line each."""
    climb: Climb | None = None
    """Of `--recipe auto` alone; the rest is then of the recipe that was kept, and a phase is a recipe tried."""
    mixed: Mixed | None = None
    """Of `--mixed` alone: how the layers in float were chosen."""

    @property
    def seconds(self) -> float:
        return sum(self.phases.values())

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings. Layers left in float are `float_layers`: layer, op, reason."""
        found = asdict(self)
        rows = found.pop("left_float")
        found["float_layers"] = [{"layer": row["node"], "op": row["op"], "reason": row["reason"]} for row in rows]
        found["seconds"] = self.seconds
        return found

    def to_text(self) -> str:
        """A few lines for the terminal."""
        data = self.calibration
        lines = [
            f"{len(self.layers)} layers with weights and {len(self.tensors)} activations in int8, recipe {self.recipe}",
            f"calibrated on {data.name}, {data.count} samples, in {self.seconds:.1f} s",
        ]
        if data.built_in:
            lines.append("no calibration data was given: ranges may not fit yours")
        lines += [_told(part, loss) for part, loss in self.losses.items()]
        lines += [f"in float: {row.node} ({row.op}): {row.reason}" for row in self.left_float]
        lines += [f"note: {note}" for note in self.notes]
        if self.climb is not None:
            lines.append(self.climb.to_text())
        if self.mixed is not None:
            lines.append(self.mixed.to_text())
        return "\n".join(lines)


def _told(part: str, loss: Loss) -> str:
    """One line: "error against float, 40 samples held back: rms 0.0612 (5.4 % of the output's), agreement 0.985"."""
    said = [f"error against float, {loss.samples} samples {part}: "]
    for name, rms in loss.rms.items():
        share, same = rms / max(loss.power[name], 1e-30), loss.agreement[name]
        whose = f"'{name}' " if len(loss.rms) > 1 else ""
        agreement = "" if same is None else f", agreement {same:.3f}"
        said.append(f"{whose}rms {rms:.4g} ({100 * share:.1f} % of the output's){agreement}; ")
    return "".join(said).removesuffix("; ")


def tensor_facts(name: str, grid: QuantParams, observed: Observed | None) -> TensorFacts:
    """Facts of one activation. observed: None where calibration did not watch it."""
    low, high = (float(end) for end in grid.dequantize(np.array(grid.code_range)))
    seen = None if observed is None else (observed.minimum, observed.maximum)
    return TensorFacts(name, float(grid.scale[0]), int(grid.zero_point[0]), low, high, seen)


def rounded_facts(layer: Layer, rounded: RoundedLayer) -> RoundedFacts:
    """Facts of one layer's weights."""
    signal = float(np.square(layer.weight, dtype=np.float64).sum())
    noise = float(np.square(layer.weight.astype(np.float64) - rounded.weight).sum())
    sqnr = float(10.0 * np.log10(signal / noise)) if signal > 0.0 and noise > 0.0 else None
    raised = int(raised_channels(layer, rounded).sum())
    return RoundedFacts(layer.name, str(layer.kind), layer.channels_out, sqnr, raised)
