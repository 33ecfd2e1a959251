"""The road: load, canonicalise, place, observe, find ranges, round weights, write."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import onnx_ir as ir

from ..errors import ConfigError, QuantizeError
from ..graph.load import load_graph, save_graph
from ..graph.passes import canonicalize
from ..inputs.calibration import CalibrationData
from .calibration.calibrate import Calibration, observe
from .calibration.expected_inputs import batch_norm_moments, expected_inputs
from .calibration.observed import Observed
from .equalizing.prepare import prepare
from .fitted import Fitted, Progress, Task
from .float_layers import ASKED, named_nodes
from .folding import folding_notes
from .held_back import split
from .loss import measure_loss
from .placement import Placement, place
from .ranges.group_range import GroupRange, group_range, observe_constants
from .recipes import Recipe
from .refinements import refinements
from .rounding.round_layers import round_layers
from .rounding.weights import code_limit
from .summary import CalibrationFacts, Quantization, rounded_facts, tensor_facts
from .write_qdq import write_qdq

__all__ = ["Leave", "Progress", "Quantization", "quantize"]

Leave = Callable[[Task, Fitted], Collection[str]]
"""Sees a quantisation with all layers in int8, and names those to leave in float."""

_TOO_MUCH = "int8 would cost too much here for the loss that was asked for"


def quantize(
    source: Path,
    destination: Path,
    data: CalibrationData,
    recipe: Recipe,
    *,
    activations: Literal["uint8", "int8"] = "uint8",
    saturation_safe: bool = False,
    held: CalibrationData | None = None,
    leave: Leave | None = None,
    progress: Progress | None = None,
) -> Quantization:
    """Write the QDQ file of a float ONNX file. The same inputs give the same bytes.

    activations: their encoding; the codes differ by 128 and by nothing else. saturation_safe: weights of 7 bits, whose
    products cannot saturate on x86 without VNNI. held: samples apart from `data`, for any recipe to be judged on; where
    there are none, one that learns sets aside its share of `data`. leave: asked, once all is fitted, for more layers to
    leave in float, but not for all of them. Raises ModelError and GraphError (source), QuantizeError (nothing to
    quantise, already quantised, calibration data that does not fit or gives NaN) and OutputError.
    """
    where, clock = str(source), _Clock()
    with clock.phase("load"):
        loaded = load_graph(source)
        model = canonicalize(loaded)
        placement = _placed(model, where, recipe.float_layers)
    seen = data
    if held is None and recipe.learns:
        seen, held = split(data, recipe.held_back)
    original = model
    if recipe.changes_network:
        with clock.phase("equalise"):
            model = prepare(model, recipe, seen, where=where)
            placement = _placed(model, where, recipe.float_layers)
    task = Task(model, placement, seen, activations, code_limit(saturation_safe), where, progress)
    with clock.phase("calibrate"):
        calibration = _calibrated(task, recipe)
        means = calibration.means
        if recipe.bias_correction == "analytic":
            # What batch normalisation says of a value no longer holds once the network was changed.
            known = {} if recipe.changes_network else batch_norm_moments(loaded)
            means = expected_inputs(model, placement.layers, known, task.data, where=where)
    with clock.phase("ranges"):
        ranges = _ranges(placement, calibration.observed, recipe)
    with clock.phase("weights"):
        fitted = round_layers(
            placement.groups,
            placement.layers,
            ranges,
            means,
            activations=activations,
            limit=task.limit,
            weight_range=recipe.weight_range,
            per_tensor=recipe.weights == "per-tensor",
        )
    for name, refine in refinements(recipe):
        with clock.phase(name):
            fitted = refine(task, fitted)
    grids, rounded = fitted.grids, fitted.rounded
    if leave is not None:
        with clock.phase("mixed precision"):
            more = leave(task, fitted)
        left = {row.node: row.reason for row in placement.left_float}
        placement = place(model, float_nodes=left | dict.fromkeys(more, _TOO_MUCH))
        grids = {name: grids[name] for group in placement.groups for name in group.values}
    qdq = write_qdq(model, placement, grids, rounded)
    losses = {}
    if held is not None:
        with clock.phase("loss"):
            parts = {"seen": seen, "held back": held}
            losses = {
                part: measure_loss(original, qdq, samples, where=where, labels=samples.labels)
                for part, samples in parts.items()
                if len(samples)
            }
    with clock.phase("write"):
        save_graph(qdq, destination)
    return Quantization(
        recipe=recipe.name,
        settings=recipe.model_dump(),
        activations=activations,
        saturation_safe=saturation_safe,
        calibration=CalibrationFacts(data.name, len(data), data.built_in),
        losses=losses,
        tensors=tuple(tensor_facts(name, grid, calibration.observed.get(name)) for name, grid in grids.items()),
        layers=tuple(rounded_facts(layer, rounded[layer.name]) for layer in placement.layers),
        left_float=placement.left_float,
        absorbed=placement.dropped,
        notes=folding_notes(placement.layers),
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


def _placed(model: ir.Model, where: str, float_layers: Sequence[str]) -> Placement:
    if any(node.op_type in ("QuantizeLinear", "DequantizeLinear") for node in model.graph):
        raise QuantizeError(
            where,
            "is quantised already",
            accepted="a float model",
            hint="a QDQ file takes the road from here: sepia translates it as it is",
        )
    placement = place(model, float_nodes=dict.fromkeys(named_nodes(model, float_layers), ASKED))
    for name in float_layers:
        if name in placement.int8 or name in placement.dropped:
            raise ConfigError(
                "float_layers",
                f"'{name}' has no weights and int8 all around: runtimes compute it on codes whatever is asked",
                hint="name the layers around it as well",
            )
    if not placement.int8:
        reasons = sorted({f"{row.op}: {row.reason}" for row in placement.left_float})
        raise QuantizeError(where, f"has nothing to quantise ({' | '.join(reasons) or 'no float layers'})")
    return placement


def _calibrated(task: Task, recipe: Recipe) -> Calibration:
    total, done = len(task.data), 0

    def tick() -> None:
        nonlocal done
        done += 1
        task.told("calibrate", done, total)

    return observe(
        task.model,
        task.placement.watched(),
        task.placement.layers if recipe.bias_correction == "empirical" else (),
        task.data,
        constants=observe_constants(task.model, task.placement.constants, histogram=recipe.wants_histogram),
        histogram=recipe.wants_histogram,
        where=task.where,
        tick=tick,
    )


def _ranges(placement: Placement, observed: Mapping[str, Observed], recipe: Recipe) -> list[GroupRange | None]:
    """One a group of the placement; None for fixed grids."""
    method = recipe.range_method
    return [None if group.fixed else group_range(group, observed, method) for group in placement.groups]
