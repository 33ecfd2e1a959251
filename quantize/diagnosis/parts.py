"""What each source adds to the error at the output: alone in the float network, and left out of the quantised one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from ..calibration.engine import Engine
from .kept import Kept
from .sources import Source
from .switched import switched

__all__ = ["Part", "Parts", "measure_parts", "runs_needed"]

Tick = Callable[[], None]
_Choice = tuple[frozenset[str], frozenset[str]]
"""(layers whose weights are on, layers whose grids are on)."""


@dataclass(frozen=True)
class Part:
    """One source. alone: rms error at the output with it as all that is rounded. spared: how much less mean square
    error the quantised network has without it, as a share of the whole; below 0 where it makes up for another's error.
    """

    alone: float
    spared: float


@dataclass(frozen=True)
class Parts:
    """Errors at the output, rms, each output's divided by its spread (see `measure_parts`).

    whole: all sources on. weights, activations: all of the one sort. of_weights, of_grids: by layer.
    """

    whole: float
    weights: float
    activations: float
    of_weights: Mapping[str, Part]
    of_grids: Mapping[str, Part]

    @property
    def in_quadrature(self) -> float:
        """√Σ alone²: what the whole would be if no source knew of another, and errors just added up."""
        parts = (*self.of_weights.values(), *self.of_grids.values())
        return float(np.sqrt(sum(part.alone**2 for part in parts)))


def measure_parts(
    model: ir.Model, rows: Sequence[Source], kept: Kept, spread: Mapping[str, float], *, where: str, tick: Tick
) -> Parts:
    """Run the float `model` once for each choice of sources, over all samples kept.

    spread: rms of each float output about its mean. An error is the root of the mean over samples, values and outputs
    of (error / spread)². tick: called `runs_needed(rows)` times. Two networks run side by side on two cores.
    """
    weighted = frozenset(row.layer for row in rows if row.weights is not None)
    gridded = frozenset(row.layer for row in rows if row.grid is not None)
    nothing: frozenset[str] = frozenset()
    choices: list[_Choice] = [(weighted, gridded), (weighted, nothing), (nothing, gridded)]
    for name in _ordered(rows, weighted):
        choices += [(frozenset([name]), nothing), (weighted - {name}, gridded)]
    for name in _ordered(rows, gridded):
        choices += [(nothing, frozenset([name])), (weighted, gridded - {name})]

    def measured(choice: _Choice) -> float:
        found = _mean_square(switched(model, rows, weights=choice[0], grids=choice[1]).model, kept, spread, where)
        tick()
        return found

    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        errors = dict(zip(choices, pool.map(measured, choices), strict=True))
    whole = errors[weighted, gridded]

    def part(alone: _Choice, without: _Choice) -> Part:
        return Part(_root(errors[alone]), (whole - errors[without]) / whole if whole > 0 else 0.0)

    return Parts(
        whole=_root(whole),
        weights=_root(errors[weighted, nothing]),
        activations=_root(errors[nothing, gridded]),
        of_weights={
            name: part((frozenset([name]), nothing), (weighted - {name}, gridded)) for name in _ordered(rows, weighted)
        },
        of_grids={
            name: part((nothing, frozenset([name])), (weighted, gridded - {name})) for name in _ordered(rows, gridded)
        },
    )


def runs_needed(rows: Sequence[Source]) -> int:
    """How many networks `measure_parts` runs."""
    return 3 + 2 * sum((row.weights is not None) + (row.grid is not None) for row in rows)


def _ordered(rows: Sequence[Source], names: frozenset[str]) -> list[str]:
    return [row.layer for row in rows if row.layer in names]


def _mean_square(model: ir.Model, kept: Kept, spread: Mapping[str, float], where: str) -> float:
    engine = Engine(model, list(spread), where=where, as_written=True)
    sums = dict.fromkeys(spread, 0.0)
    counts = dict.fromkeys(spread, 0)
    for sample, right in kept.both():
        found = engine.run(sample)
        for name in spread:
            error = found[name].astype(np.float64) - right[name]
            sums[name] += float(np.square(error).sum())
            counts[name] += error.size
    shares = [sums[name] / max(counts[name], 1) / spread[name] ** 2 for name in spread]
    return float(np.mean(shares))


def _root(mean_square: float) -> float:
    return float(np.sqrt(mean_square))
