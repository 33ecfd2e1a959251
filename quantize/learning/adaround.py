"""AdaRound through a whole network: layer after layer, each against the float network's own values.

Nagel et al. 2020, arXiv:2004.10568, section 3.3. A layer reads what the layers before it, rounded already, make of the
samples, and is fitted to what it puts out in float (the paper's asymmetric reconstruction), so it takes back some of
their error too. Scales and grids stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..calibration.ahead import ahead
from ..calibration.code_store import CodeStore
from ..calibration.engine import Engine
from ..calibration.staged import Staged
from ..fitted import Fitted, Task
from ..layer import Layer
from ..rounding.weights import fit_accumulator
from .layer_rows import Rows, draw_positions, inputs_at, outputs_at
from .learn_layer import Learning, learn_layer

__all__ = ["round_by_adaround"]

Positions = list[NDArray[np.int64]]


def round_by_adaround(task: Task, fitted: Fitted, *, seed: int = 0, how: Learning | None = None) -> Fitted:
    """Learn every layer's rounding and bias. Memory does not grow with the samples.

    A layer is learned on at most 8192 output positions drawn from all samples (a fully connected layer has one a
    sample), so more samples make it better only by being more varied. Raises QuantizeError if a sample does not fit.
    """
    layers = task.placement.layers
    order = np.random.default_rng(seed)
    with CodeStore() as targets, Staged(task) as staged:
        positions = _store_targets(task, layers, targets, order)
        for number, layer in enumerate(layers):
            task.told("adaround", number, len(layers))
            later = [after.source for after in layers[number + 1 :]]
            zero = int(fitted.grids[layer.source].as_dtype("uint8").zero_point[0])
            codes = staged.codes(layer.source, fitted, later)
            parts = [
                inputs_at(layer, _unsigned(one), at, zero) for one, at in zip(codes, positions[layer.name], strict=True)
            ]
            goals = [targets.read(layer.name, index) for index in range(len(parts))]
            rows = Rows(np.concatenate(parts, axis=1), np.concatenate(goals, axis=1))
            learned = learn_layer(
                layer,
                fitted.rounded[layer.name],
                rows,
                fitted.grids[layer.source],
                fitted.grids[layer.output],
                limit=task.limit,
                seed=seed + number,
                how=how or Learning(),
            )
            scale_in = float(fitted.grids[layer.source].scale[0])
            fitting = fit_accumulator(learned, layer, scale_in, limit=task.limit)
            fitted = replace(fitted, rounded={**fitted.rounded, layer.name: fitting})
    task.told("adaround", len(layers), len(layers))
    return fitted


def _store_targets(
    task: Task, layers: Sequence[Layer], targets: CodeStore, order: np.random.Generator
) -> dict[str, Positions]:
    """Run the float network once; keep what each layer puts out at positions that are drawn here."""
    positions: dict[str, Positions] = {}
    outputs = list(dict.fromkeys(layer.output for layer in layers))
    engine = Engine(task.model, outputs, where=task.where)
    for index, values in enumerate(ahead(engine.run(sample) for sample in ahead(task.data))):
        for layer in layers:
            if layer.name not in positions:
                batch = int(values[layer.output].shape[0])
                positions[layer.name] = draw_positions(layer, batch, len(task.data), order)
            targets.append(layer.name, outputs_at(layer, values[layer.output], positions[layer.name][index]))
    return positions


def _unsigned(codes: NDArray[Any]) -> NDArray[np.uint8]:
    """uint8 or int8 codes in the uint8 encoding."""
    found: NDArray[np.uint8] = codes if codes.dtype == np.uint8 else (codes.astype(np.int16) + 128).astype(np.uint8)
    return found
