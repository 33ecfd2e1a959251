"""Every tensor's error along the depth, by channel, and what its values do on its grid; in one pass over the data."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...graph.edit import add_initializer, free_name
from ...graph.quantization import QuantParams
from ..calibration.ahead import ahead
from ..calibration.calibrate import Samples
from ..calibration.engine import Engine
from .kept import Kept
from .sources import Source
from .switched import switched

__all__ = ["Seen", "decibel", "see_depth"]

Floats = NDArray[np.float64]
Sample = Mapping[str, NDArray[np.float32]]


@dataclass
class Seen:
    """One layer's output over all samples, by channel (axis 1; one channel where there is no such axis).

    signal: Σ x² of the float network's values x. noise: Σ e² in the quantised network. alone: Σ e² of the layer fed
    with float inputs, its own weights and grid rounded. shift: Σ e of that. low, high: ends of x. count: values a
    channel. codes: how often x has each code of the grid. below, above: values that the grid clips.
    """

    signal: Floats = field(default_factory=lambda: np.zeros(1))
    noise: Floats = field(default_factory=lambda: np.zeros(1))
    alone: Floats = field(default_factory=lambda: np.zeros(1))
    shift: Floats = field(default_factory=lambda: np.zeros(1))
    low: Floats = field(default_factory=lambda: np.full(1, np.inf))
    high: Floats = field(default_factory=lambda: np.full(1, -np.inf))
    count: int = 0
    codes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    below: int = 0
    above: int = 0

    def add(
        self,
        real: NDArray[np.float32],
        quantised: NDArray[np.float32],
        local: NDArray[np.float32],
        grid: QuantParams | None,
    ) -> None:
        """One sample's values of one shape: in the float network, in the quantised one, of the layer alone."""
        flat, error, own = (_by_channel(array) for array in (real, quantised - real, local - real))
        self.signal = self.signal + _squares(flat)
        self.noise = self.noise + _squares(error)
        self.alone = self.alone + _squares(own)
        self.shift = self.shift + own.sum(axis=(0, 2), dtype=np.float64)
        self.low = np.minimum(self.low, flat.min(axis=(0, 2)))
        self.high = np.maximum(self.high, flat.max(axis=(0, 2)))
        self.count += flat.shape[0] * flat.shape[2]
        if grid is not None and not grid.per_channel:
            self._place(real, grid)

    def _place(self, real: NDArray[np.float32], grid: QuantParams) -> None:
        least, most = grid.code_range
        codes = np.rint(real.reshape(-1) / grid.scale[0]) + np.float32(grid.zero_point[0])
        self.below += int((codes < least).sum())
        self.above += int((codes > most).sum())
        counted = np.bincount((np.clip(codes, least, most) - least).astype(np.intp), minlength=most - least + 1)
        self.codes = counted if not self.codes.size else self.codes + counted


def see_depth(model: ir.Model, rows: Sequence[Source], data: Samples, kept: Kept, *, where: str) -> dict[str, Seen]:
    """Layer → what was seen of it. Samples and the float network's outputs go into `kept` on the way.

    Memory: all values of one sample at once, whatever the number of samples.
    """
    beside, locals_ = _with_twins(model, rows)
    whole = switched(
        model,
        rows,
        weights={row.layer for row in rows if row.weights is not None},
        grids={row.layer for row in rows if row.grid is not None},
    )
    ends = {row.layer: whole.rounded.get(row.layer, row.value) for row in rows}
    wanted = dict.fromkeys([*(row.value for row in rows), *locals_.values(), *kept.outputs])
    exact = Engine(beside, list(wanted), where=where)
    rounded = Engine(whole.model, list(dict.fromkeys(ends.values())), where=where, as_written=True)
    seen = {row.layer: Seen() for row in rows}
    with closing(_with_values(exact, data)) as stream:
        for sample, right in stream:
            found = rounded.run(sample)
            kept.add(sample, right)
            for row in rows:
                real = right[row.value]
                local = right[locals_[row.layer]] if row.layer in locals_ else real
                params = None if row.grid is None else row.grid.params
                if params is not None:
                    local = params.dequantize(params.quantize(local))
                seen[row.layer].add(real, found[ends[row.layer]], local, params)
    return seen


def _with_values(engine: Engine, data: Samples) -> Generator[tuple[Sample, dict[str, NDArray[Any]]], None, None]:
    yield from ahead((sample, engine.run(sample)) for sample in ahead(data))


def _with_twins(model: ir.Model, rows: Sequence[Source]) -> tuple[ir.Model, dict[str, str]]:
    """The float network with a second node beside each layer, fed alike, with the file's weights.

    Returns layer → the value that it puts out, after the activations that the layer's grid takes in.
    """
    copy = model.clone()
    graph = copy.graph
    nodes = {str(node.name): node for node in graph}
    outputs: dict[str, str] = {}
    for row in rows:
        if row.weights is None:
            continue
        node = nodes[row.layer]
        inputs = list(node.inputs) + [None] * (max(row.weights.arrays) + 1 - len(node.inputs))
        for index, array in row.weights.arrays.items():
            inputs[index] = add_initializer(graph, f"{row.layer}_twin_{index}", array)
        made = _beside(graph, node, inputs, after=node)
        for name in row.absorbed:
            activation = nodes[name]
            made = _beside(graph, activation, [made.outputs[0], *activation.inputs[1:]], after=activation)
        outputs[row.layer] = str(made.outputs[0].name)
    return copy, outputs


def _beside(graph: ir.Graph, node: ir.Node, inputs: Sequence[ir.Value | None], *, after: ir.Node) -> ir.Node:
    made = ir.node(node.op_type, inputs, attributes=node.attributes, name=free_name(graph, f"{node.name}_twin"))
    old, new = node.outputs[0], made.outputs[0]
    new.name, new.shape, new.type = free_name(graph, f"{old.name}_twin"), old.shape, old.type
    graph.insert_after(after, made)
    return made


def _by_channel(array: NDArray[Any]) -> NDArray[np.float32]:
    """[N, C, rest]."""
    if array.ndim < 2:
        return array.reshape(1, 1, -1)
    return array.reshape(array.shape[0], array.shape[1], -1)


def _squares(array: NDArray[np.float32]) -> Floats:
    total: Floats = np.square(array).sum(axis=(0, 2), dtype=np.float64)
    return total


def decibel(signal: float, noise: float) -> float | None:
    """10·log10(signal / noise), None where one of them is zero."""
    return float(10 * np.log10(signal / noise)) if signal > 0 and noise > 0 else None
