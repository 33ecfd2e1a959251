"""The road: load, canonicalise, place, observe, find ranges, round weights, write."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import onnx_ir as ir

from ..errors import QuantizeError
from ..graph.load import load_graph, save_graph
from ..graph.passes import canonicalize
from ..graph.quantization import QuantParams
from ..inputs.calibration import CalibrationData
from .bias_correction import correct_bias
from .calibrate import Calibration, observe
from .layer import Layer, RoundedLayer
from .observed import Observed
from .placement import Placement, place
from .ranges import GroupRange, group_grid, group_range, observe_constants
from .recipes import Recipe
from .summary import CalibrationFacts, Quantization, RoundedFacts, TensorFacts
from .weights import (
    accumulator_scale,
    code_limit,
    fit_accumulator,
    raised_channels,
    round_weights,
    weight_scale,
)
from .write_qdq import write_qdq

__all__ = ["Progress", "Quantization", "quantize"]

Progress = Callable[[str, int, int], None]
"""Called as progress(what, done, total)."""

_MOST_RATIO = 128.0
"""Greatest s_in · s_w / s_out; XNNPACK takes less than 256."""


def quantize(
    source: Path,
    destination: Path,
    data: CalibrationData,
    recipe: Recipe,
    *,
    activations: Literal["uint8", "int8"] = "uint8",
    saturation_safe: bool = False,
    progress: Progress | None = None,
) -> Quantization:
    """Write the QDQ file of a float ONNX file. The same inputs give the same bytes.

    activations: their encoding; the codes differ by 128 and by nothing else. saturation_safe: weights of 7 bits, whose
    products cannot saturate on x86 without VNNI. Raises ModelError and GraphError (source), QuantizeError (nothing to
    quantise, already quantised, calibration data that does not fit or gives NaN), OutputError.
    """
    where, clock = str(source), _Clock()
    with clock.phase("load"):
        model = canonicalize(load_graph(source))
        placement = _placed(model, where)
    with clock.phase("calibrate"):
        calibration = _calibrated(model, placement, data, recipe, where, progress)
    with clock.phase("ranges"):
        ranges = _ranges(placement, calibration.observed, recipe)
    with clock.phase("weights"):
        grids, rounded = _rounded(placement, ranges, calibration, recipe, activations, code_limit(saturation_safe))
    with clock.phase("write"):
        save_graph(write_qdq(model, placement, grids, rounded), destination)
    return Quantization(
        recipe=recipe.name,
        settings=recipe.model_dump(),
        activations=activations,
        saturation_safe=saturation_safe,
        calibration=CalibrationFacts(data.name, calibration.samples, data.built_in),
        tensors=_tensor_facts(placement, grids, calibration.observed),
        layers=tuple(_rounded_facts(layer, rounded[layer.name]) for layer in placement.layers),
        left_float=placement.left_float,
        absorbed=placement.dropped,
        phases=clock.seconds,
    )


class _Clock:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)


def _placed(model: ir.Model, where: str) -> Placement:
    if any(node.op_type in ("QuantizeLinear", "DequantizeLinear") for node in model.graph):
        raise QuantizeError(
            where,
            "is quantised already",
            accepted="a float model",
            hint="a QDQ file takes the road from here: sepia translates it as it is",
        )
    placement = place(model)
    if not placement.int8:
        reasons = sorted({f"{row.op}: {row.reason}" for row in placement.left_float})
        raise QuantizeError(where, f"has nothing to quantise ({' | '.join(reasons) or 'no float layers'})")
    return placement


def _calibrated(
    model: ir.Model, placement: Placement, data: CalibrationData, recipe: Recipe, where: str, progress: Progress | None
) -> Calibration:
    total, done = len(data), 0

    def tick() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress("calibrate", done, total)

    return observe(
        model,
        placement.watched(),
        placement.layers if recipe.bias_correction else (),
        data,
        constants=observe_constants(model, placement.constants, histogram=recipe.wants_histogram),
        histogram=recipe.wants_histogram,
        where=where,
        tick=tick,
    )


def _ranges(placement: Placement, observed: Mapping[str, Observed], recipe: Recipe) -> list[GroupRange | None]:
    """One a group of the placement; None for fixed grids."""
    method = recipe.range_method
    return [None if group.fixed else group_range(group, observed, method) for group in placement.groups]


def _rounded(
    placement: Placement,
    ranges: list[GroupRange | None],
    calibration: Calibration,
    recipe: Recipe,
    activations: str,
    limit: int,
) -> tuple[dict[str, QuantParams], dict[str, RoundedLayer]]:
    """Grids by value name, and the layers on theirs.

    A tensor whose range is next to nothing beside what its layer could put out would need a multiplier that kernels do
    not take; its range is widened until they do. That moves the grid of the layers that read it, so all are gone over
    again; ranges only grow, a few times at most.
    """
    while True:
        grids = {
            name: grid
            for group, found in zip(placement.groups, ranges, strict=True)
            for grid in [group_grid(group, found, activations)]
            for name in group.values
        }
        rounded = {layer.name: _round(layer, grids, calibration, recipe, limit) for layer in placement.layers}
        narrow = _too_narrow(placement, grids, rounded)
        if not narrow:
            return grids, rounded
        for index, factor in narrow.items():
            ranges[index] = _widened(ranges[index], factor, grids[placement.groups[index].values[0]])


def _round(
    layer: Layer, grids: Mapping[str, QuantParams], calibration: Calibration, recipe: Recipe, limit: int
) -> RoundedLayer:
    scale_in, scale_out = (float(grids[name].scale[0]) for name in (layer.source, layer.output))
    rounded = round_weights(layer, weight_scale(layer, scale_in, scale_out, limit=limit), limit=limit)
    if recipe.bias_correction:
        rounded = correct_bias(layer, rounded, calibration.means[layer.name])
    return fit_accumulator(rounded, layer, scale_in, limit=limit)


def _too_narrow(
    placement: Placement, grids: Mapping[str, QuantParams], rounded: Mapping[str, RoundedLayer]
) -> dict[int, float]:
    """Index of a group → how many times wider its range must be."""
    index = {name: number for number, group in enumerate(placement.groups) for name in group.values}
    narrow: dict[int, float] = {}
    for layer in placement.layers:
        ratio = float(
            accumulator_scale(rounded[layer.name], float(grids[layer.source].scale[0])).max()
            / grids[layer.output].scale[0]
        )
        if ratio > _MOST_RATIO and placement.groups[index[layer.output]].fixed is None:
            narrow[index[layer.output]] = max(narrow.get(index[layer.output], 0.0), 2.0 * ratio / _MOST_RATIO)
    return narrow


def _widened(found: GroupRange | None, factor: float, grid: QuantParams) -> GroupRange:
    zero = int(grid.as_dtype("uint8").zero_point[0])
    width = float(grid.scale[0]) * factor
    low, high = -zero * width, (255 - zero) * width
    return GroupRange(low, high, found.otherwise if found is not None else 1.0)


def _tensor_facts(
    placement: Placement, grids: Mapping[str, QuantParams], observed: Mapping[str, Observed]
) -> tuple[TensorFacts, ...]:
    return tuple(_tensor(name, grids[name], observed.get(name)) for group in placement.groups for name in group.values)


def _tensor(name: str, grid: QuantParams, observed: Observed | None) -> TensorFacts:
    low, high = (float(end) for end in grid.dequantize(np.array(grid.code_range)))
    seen = None if observed is None else (observed.minimum, observed.maximum)
    return TensorFacts(name, float(grid.scale[0]), int(grid.zero_point[0]), low, high, seen)


def _rounded_facts(layer: Layer, rounded: RoundedLayer) -> RoundedFacts:
    signal = float(np.square(layer.weight, dtype=np.float64).sum())
    noise = float(np.square(layer.weight.astype(np.float64) - rounded.weight).sum())
    sqnr = float(10.0 * np.log10(signal / noise)) if signal > 0.0 and noise > 0.0 else None
    return RoundedFacts(
        layer.name, str(layer.kind), layer.channels_out, sqnr, int(raised_channels(layer, rounded).sum())
    )
