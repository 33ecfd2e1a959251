"""Cross-layer equalisation: two layers in a row share the spread of their weights' ranges.

Nagel et al. 2019, arXiv:1906.04721, section 4.1. Channel c between two layers is divided by s_c where it is made and
multiplied where it is read; s = √(r₁ r₂) / r₂ gives both sides the range √(r₁ r₂). A depthwise layer has
one channel in and the same one out, so it takes part in two pairs: gone over again and again, the three layers of
pointwise → depthwise → pointwise come to the common range ∛(r₁ r₂ r₃).

ReLU passes a positive factor on, Clip(0, 6) does not: its bound is one number for all channels. The paper puts ReLU in
its place, which changes the network. Here a channel keeps its factor of 1 where it can reach the bound, and is scaled
up no further than the bound where it cannot, so that the float network stays what it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from .factors import Ends, least_factors, shares
from .possible import possible_ends
from .rescale import LayerArrays, read_arrays, rescale
from .streams import Stream, find_streams

__all__ = ["equalize"]

Floats = NDArray[np.float64]

_CONVERGED = 1e-6
_SWEEPS = 1000
"""More than enough: a sweep takes at least a quarter of what is left of a chain of three, and chains are short."""


@dataclass
class _Pair:
    stream: Stream
    writer: LayerArrays
    reader: LayerArrays
    factor: Floats
    least: Floats
    most: Floats


def equalize(model: ir.Model, ends: Ends | None = None) -> ir.Model:
    """A copy of the canonical float `model` with evened ranges; outputs the same within float32 rounding.

    Only where one layer writes and one reads: never across an Add, another reader or an output of the graph.

    ends: what each channel reaches before its activation, as observed and with a margin. No channel is scaled up beyond
    what its tensor holds anyhow (so grids of activations get no wider), nor beyond the bound of a Clip. Exact for
    inputs that keep inside the ends. Not given: the paper's factors, and at a Clip what interval arithmetic proves;
    exact for every input.
    """
    pairs = [stream for stream in find_streams(model) if stream.pair]
    arrays = read_arrays(model, (name for stream in pairs for name in (*stream.writers, *stream.readers)))
    proven = possible_ends(model) if ends is None else ends
    rows = []
    for stream in pairs:
        least, most = least_factors(stream, proven)
        if ends is not None:
            least = np.maximum(least, shares(stream, ends))
        one = np.ones(stream.channels)
        rows.append(_Pair(stream, arrays[stream.writers[0]], arrays[stream.readers[0]], one, least, most))
    for _ in range(_SWEEPS):
        if max((_even(row) for row in rows), default=0.0) < _CONVERGED:
            break
    return rescale(model, [(row.stream, row.factor) for row in rows])


def _even(row: _Pair) -> float:
    """One pair; the greatest |log| of what its factors change by."""
    first, second = row.writer.output_ranges(), row.reader.input_ranges()
    alive = (first > 0.0) & (second > 0.0)
    # A channel that nothing writes or reads has no range to share.
    wanted = np.sqrt(np.where(alive, first, 1.0) / np.where(alive, second, 1.0)) / _level(row, first, second)
    factor = np.clip(row.factor * np.where(alive, wanted, 1.0), row.least, row.most)
    change = factor / row.factor
    row.writer.divide_outputs(change)
    row.reader.multiply_inputs(change)
    row.factor = factor
    return float(np.abs(np.log(change)).max())


def _level(row: _Pair, first: Floats, second: Floats) -> float:
    """√(r₁ / r₂) of the channels that cannot move, by their greatest ranges; 1 where all can.

    One number for all channels changes nothing for layers that have a scale each, so the paper leaves it at 1. Beside
    channels that stay where they are, others must be brought to the level of those, not to one of their own.
    """
    held = (row.least == row.most) & (first > 0.0) & (second > 0.0)
    return float(np.sqrt(first[held].max() / second[held].max())) if held.any() else 1.0
