"""What a layer reads and puts out, as the rows of a matrix product: a bounded sample of its output positions.

Each layer with weights is one product a group at each output position: the patch of inputs that its kernel sees there,
times its weights. A few positions of each sample tell as much as all of them, whose neighbours are nearly alike, and
make one form of standard, pointwise, depthwise, grouped, transposed and fully connected layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...graph.kinds import Kind
from ..layer import Layer

__all__ = ["Rows", "draw_positions", "inputs_at", "outputs_at", "row_count"]

_MOST_BYTES = 96 * 2**20
"""Of the codes that one layer's rows take."""
_MOST_ROWS = 8192


@dataclass(frozen=True)
class Rows:
    """codes: uint8 [G, R, K], inputs in the uint8 encoding: K = C_in/G · taps, the order of `Layer.weight`.

    target: float32 [G, R, C_out/G], what the layer should put out there.
    """

    codes: NDArray[np.uint8]
    target: NDArray[np.float32]


def row_count(layer: Layer) -> int:
    """How many rows one layer gets at most, whatever the number of samples."""
    per_row = layer.group * int(np.prod(layer.weight.shape[1:]))
    return max(1, min(_MOST_ROWS, _MOST_BYTES // per_row))


def draw_positions(layer: Layer, batch: int, samples: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Positions of each sample, sorted: indices into [batch, *output_size], flat, none twice in one sample.

    As many a sample as `row_count` allows; where there are more samples than rows, some samples have none.
    """
    places = batch * int(np.prod(layer.output_size, dtype=np.int64))
    share, more = divmod(row_count(layer), samples)
    counts = np.minimum(share + (rng.permutation(samples) < more), places)
    return [np.sort(rng.choice(places, int(count), replace=False)) for count in counts]


def inputs_at(layer: Layer, codes: NDArray[Any], positions: NDArray[np.int64], zero_point: int) -> NDArray[np.uint8]:
    """[G, P, K] of one sample: what the kernel sees at `positions`, the code of zero where that is padding.

    codes: [N, C_in, *size] in the uint8 encoding.
    """
    batch, channels, *size = codes.shape
    flat = codes.reshape(batch, channels, -1)
    padded = np.concatenate([flat, np.full((batch, channels, 1), zero_point, np.uint8)], axis=2)
    places = int(np.prod(layer.output_size, dtype=np.int64))
    sample, place = np.divmod(positions, places)
    seen = _seen(layer, tuple(size))[place]
    patches = padded[sample[:, None], :, seen]
    taps = seen.shape[1]
    # [P, taps, C] → [G, P, C/G · taps], channels before taps as in the weight.
    grouped = patches.reshape(len(positions), taps, layer.group, channels // layer.group)
    rows: NDArray[np.uint8] = grouped.transpose(2, 0, 3, 1).reshape(layer.group, len(positions), -1)
    return np.ascontiguousarray(rows)


def outputs_at(layer: Layer, values: NDArray[Any], positions: NDArray[np.int64]) -> NDArray[np.float32]:
    """[G, P, C_out/G] of one sample. values: [N, C_out, *output_size]."""
    places = int(np.prod(layer.output_size, dtype=np.int64))
    sample, place = np.divmod(positions, places)
    found = values.reshape(*values.shape[:2], -1)[sample, :, place]
    grouped = found.reshape(len(positions), layer.group, -1).transpose(1, 0, 2)
    return np.ascontiguousarray(grouped, np.float32)


def _seen(layer: Layer, size: tuple[int, ...]) -> NDArray[np.int64]:
    """[output positions, taps]: flat index of the input that each tap reads; the number of inputs where it is none."""
    whole = int(np.prod(size, dtype=np.int64))
    index, inside = np.zeros((1, 1), np.int64), np.ones((1, 1), bool)
    rows = zip(layer.kernel, size, layer.output_size, layer.strides, layer.dilations, layer.pads, strict=True)
    for kernel, length, out, stride, dilation, pad in rows:
        at, tap = np.arange(out)[:, None], np.arange(kernel)[None, :]
        if layer.kind is Kind.TRANSPOSED:
            # Input i goes to output i · stride + tap · dilation − pad.
            read, rest = np.divmod(at + pad[0] - tap * dilation, stride)
        else:
            read, rest = at * stride + tap * dilation - pad[0], np.zeros((out, kernel), np.int64)
        there = (read >= 0) & (read < length) & (rest == 0)
        index = (index[:, None, :, None] * length + read[None, :, None, :]).reshape(len(index) * out, -1)
        inside = (inside[:, None, :, None] & there[None, :, None, :]).reshape(len(inside) * out, -1)
    return np.where(inside, index, whole)
