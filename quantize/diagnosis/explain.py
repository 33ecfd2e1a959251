"""The road: read both files, find what was rounded, see every tensor, measure every part, say what would mend it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnx_ir as ir

from ...errors import QuantizeError
from ...graph.kinds import Kind, kind_of
from ...graph.load import load_graph
from ...graph.passes import canonicalize
from ...graph.qdq import read_qdq
from ...inputs.calibration import CalibrationData
from ..fitted import Progress
from ..loss import Loss, measure_loss
from .along_depth import Seen, decibel, see_depth
from .channels import WeightChannels, activation_facts, by_channel, dead_channels, weight_facts, worst_channels
from .explanation import Explanation, LayerError, OutputError, PartError
from .hints import hints_for
from .kept import Kept
from .parts import Part, Parts, measure_parts, runs_needed
from .sources import Source, find_sources

__all__ = ["explain"]


def explain(
    source: Path,
    qdq: Path,
    data: CalibrationData,
    *,
    settings: Mapping[str, Any] | None = None,
    prepare: Callable[[ir.Model], ir.Model] | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """Say where `qdq`, a quantised form of the float `source`, loses what.

    data: all of it is used; 32 samples are enough for the order of the parts. It may be what the file was calibrated
    on. settings: of the recipe, where known. prepare: what that did to the canonical float network before it was
    quantised: the file's layers are compared with those of what it gives.
    Time: two runs of the network a part and sample. Memory: constant in the number of samples, which are on disk
    meanwhile.
    Raises ModelError and GraphError (files), QuantizeError (not quantised, not of this float network, no samples).
    """
    begin, where = time.perf_counter(), str(qdq)
    model, file = canonicalize(load_graph(source)), load_graph(qdq)
    model = model if prepare is None else prepare(model)
    _same_ends(model, file, where)
    sources = find_sources(model, read_qdq(file), where=where)
    outputs = [str(value.name) for value in model.graph.outputs if value.dtype == ir.DataType.FLOAT]
    total, done, lock = runs_needed(sources.rows), 0, Lock()

    def tick() -> None:
        nonlocal done
        with lock:
            done += 1
            if progress is not None:
                progress("parts of the error", done, total)

    with tempfile.TemporaryDirectory(prefix="sepia-") as folder:
        kept = Kept(Path(folder), [str(value.name) for value in model.graph.inputs], outputs)
        if progress is not None:
            progress("error along the depth", 0, 0)
        seen = see_depth(model, sources.rows, data, kept, where=where)
        if not kept.count:
            raise QuantizeError(where, "there are no samples to explain it with", accepted="one sample or more")
        loss = measure_loss(model, file, kept, where=where)
        spread = {name: power if power > 0 else 1.0 for name, power in loss.power.items()}
        parts = measure_parts(model, sources.rows, kept, spread, where=where, tick=tick)
        samples = kept.count
    return Explanation(
        source=source.name,
        file=qdq.name,
        data=data.name,
        samples=samples,
        built_in=data.built_in,
        recipe=None if settings is None else str(settings.get("name", "")),
        outputs=_outputs(loss),
        whole=float(np.sqrt(np.mean([(loss.rms[name] / spread[name]) ** 2 for name in spread]))),
        rebuilt=parts.whole,
        weights=parts.weights,
        activations=parts.activations,
        in_quadrature=parts.in_quadrature,
        layers=_layers(sources.rows, seen, parts, settings or {}),
        left_float=_left_float(model, sources.rows),
        lost=sources.lost,
        seconds=round(time.perf_counter() - begin, 3),
    )


def _same_ends(model: ir.Model, file: ir.Model, where: str) -> None:
    for what, ours, theirs in (
        ("inputs", model.graph.inputs, file.graph.inputs),
        ("outputs", model.graph.outputs, file.graph.outputs),
    ):
        names, found = ([str(value.name) for value in values] for values in (ours, theirs))
        if names != found:
            raise QuantizeError(
                where,
                f"has the {what} {', '.join(found)}, and the float network {', '.join(names)}",
                accepted="the float ONNX file that it was made from",
            )


def _outputs(loss: Loss) -> tuple[OutputError, ...]:
    return tuple(OutputError(name, loss.rms[name], loss.power[name], loss.agreement[name]) for name in loss.rms)


def _layers(
    rows: Sequence[Source], seen: Mapping[str, Seen], parts: Parts, settings: Mapping[str, Any]
) -> tuple[LayerError, ...]:
    total = parts.in_quadrature**2
    return tuple(
        _layer(index, row, seen[row.layer], parts, total, 1 / len(rows), settings) for index, row in enumerate(rows)
    )


def _layer(
    index: int, row: Source, seen: Seen, parts: Parts, total: float, average: float, settings: Mapping[str, Any]
) -> LayerError:
    weights = _part(parts.of_weights.get(row.layer), total)
    activation = _part(parts.of_grids.get(row.layer), total)
    channels = None if row.weights is None else WeightChannels.of(row.weights)
    facts = None if row.weights is None or channels is None else weight_facts(row.weights, channels)
    grid = None if row.grid is None else activation_facts(row.grid, seen)
    signal, alone = float(seen.signal.sum()), float(seen.alone.sum())
    shift = float((seen.shift**2).sum() / max(seen.count, 1)) / alone if alone > 0 else 0.0
    dead = dead_channels(seen)
    return LayerError(
        index=index,
        layer=row.layer,
        kind=row.kind,
        op=row.op,
        tensor=row.tensor,
        sqnr_db=decibel(signal, float(seen.noise.sum())),
        sqnr_alone_db=decibel(signal, alone),
        share=min(sum(part.share for part in (weights, activation) if part is not None), 1.0),
        shift=shift,
        weights=weights,
        activation=activation,
        weight_facts=facts,
        activation_facts=grid,
        dead=dead,
        worst=worst_channels(seen, channels),
        hints=hints_for(
            layer=row.layer,
            average=average,
            weights=weights,
            activation=activation,
            weight_facts=facts,
            activation_facts=grid,
            shift=shift,
            dead=dead,
            settings=settings,
        ),
        by_channel=by_channel(seen, channels),
    )


def _part(part: Part | None, total: float) -> PartError | None:
    if part is None:
        return None
    return PartError(part.alone, min(part.alone**2 / total, 1.0) if total > 0 else 0.0, part.spared)


def _left_float(model: ir.Model, rows: Sequence[Source]) -> tuple[str, ...]:
    """Layers that multiply, and have neither weights nor an output on a grid."""
    rounded = {row.layer for row in rows}
    return tuple(
        str(node.name)
        for node in model.graph
        if (kind_of(node).convolution or kind_of(node) in (Kind.TRANSPOSED, Kind.FULLY_CONNECTED))
        and str(node.name) not in rounded
    )
