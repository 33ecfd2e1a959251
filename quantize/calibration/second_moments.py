"""Second moments of what a layer's weights see: the mean and the covariance of its inputs, gathered in a stream.

E‖(W − Q)·x‖² over the inputs x of a layer is tr((W − Q)·H·(W − Q)ᵀ) with H = E[x·xᵀ]. So H is all that rounding need
know of the data (Frantar et al. 2022, arXiv:2210.17323, section 3), and its size does not depend on the samples. In a
depthwise layer a filter sees the kernel's taps of its own channel and nothing else: one small matrix a channel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ...graph.kinds import Kind
from ..layer import Layer

__all__ = ["SecondMoments", "windows"]

_POSITIONS = 1024
"""Positions of one sample that are looked at, at most: neighbours see nearly the same."""
_SMALL_POSITIONS = 128
"""The same where a matrix has no more than the taps of one kernel to fill."""
_FEW = 64
"""Rows of a matrix up to which it counts as small."""


class SecondMoments:
    """Streams the inputs of one layer.

    Groups of filters that see the same inputs share a matrix: G = 1 for a standard or pointwise layer, C for a
    depthwise one. K = C_in/group · taps, in the order of the weight's axes. Memory: G · K² float64.
    """

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        width = int(np.prod(layer.weight.shape[1:], dtype=np.int64))
        self._sum = np.zeros((layer.group, width))
        self._products = np.zeros((layer.group, width, width))
        self._most = _SMALL_POSITIONS if width <= _FEW else _POSITIONS
        self._samples = 0
        self.count = 0
        """Positions that were looked at."""

    def add(self, values: NDArray[np.float32]) -> None:
        """One sample: [N, C_in, *size], or [N, C_in] for a fully connected layer."""
        seen = windows(self._layer, values, self._most, first=self._samples)
        self._samples += 1
        self.count += seen.shape[1]
        self._sum += seen.sum(axis=1, dtype=np.float64)
        self._products += np.matmul(seen.transpose(0, 2, 1), seen)

    def means(self) -> NDArray[np.float64]:
        """E[x], [G, K]."""
        return self._sum / max(self.count, 1)

    def covariance(self) -> NDArray[np.float64]:
        """E[x·xᵀ] − E[x]·E[x]ᵀ, [G, K, K]: what is left of the error when the bias takes its mean away."""
        means = self.means()
        return self._products / max(self.count, 1) - means[:, :, None] * means[:, None, :]


def windows(layer: Layer, values: NDArray[np.float32], most: int, *, first: int = 0) -> NDArray[np.float32]:
    """What each group of filters sees, [G, positions, K], at about `most` output positions a sample, evenly over all.

    first: moves the positions on, so that samples one after the other do not show the same ones.
    """
    group, channels = layer.group, values.shape[1] // layer.group
    if not layer.kernel:
        return np.ascontiguousarray(values[None])
    rank, transposed = len(layer.kernel), layer.kind is Kind.TRANSPOSED
    if transposed:
        values = _stuffed(layer, values)
        pads, strides = _transposed_pads(layer, values.shape[2:]), (1,) * rank
    else:
        pads, strides = layer.pads, layer.strides
    padded = np.pad(values, ((0, 0), (0, 0), *[(max(before, 0), max(after, 0)) for before, after in pads]))
    reach = tuple((size - 1) * step + 1 for size, step in zip(layer.kernel, layer.dilations, strict=True))
    view = sliding_window_view(padded, reach, axis=tuple(range(2, 2 + rank)))
    starts = [max(-before, 0) for before, _ in pads]
    moves = tuple(
        slice(start, start + size * stride, stride)
        for start, size, stride in zip(starts, layer.output_size, strides, strict=True)
    )
    taps = tuple(slice(None, None, step) for step in layer.dilations)
    view = view[(slice(None), slice(None), *moves, *taps)]
    places = np.unravel_index(_chosen(layer.output_size, most, first), layer.output_size)
    chosen: tuple[Any, ...] = (slice(None), slice(None), *places)
    # [N, C, positions, *kernel], of which alone a copy is made.
    seen = view[chosen]
    if transposed:
        seen = np.flip(seen, axis=tuple(range(-rank, 0)))
    positions = seen.shape[2]
    grouped = seen.reshape(values.shape[0], group, channels, positions, -1)
    found: NDArray[np.float32] = grouped.transpose(1, 0, 3, 2, 4).reshape(group, values.shape[0] * positions, -1)
    return np.ascontiguousarray(found)


def _chosen(size: tuple[int, ...], most: int, first: int) -> NDArray[np.int64]:
    total = int(np.prod(size, dtype=np.int64))
    stride = -(-total // most)
    return np.arange(first % stride, total, stride, dtype=np.int64)


def _stuffed(layer: Layer, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """A transposed convolution is a plain one over its input with zeros set between, its kernel turned round."""
    size = [(length - 1) * stride + 1 for length, stride in zip(values.shape[2:], layer.strides, strict=True)]
    wide = np.zeros((*values.shape[:2], *size), np.float32)
    wide[(slice(None), slice(None), *[slice(None, None, stride) for stride in layer.strides])] = values
    return wide


def _transposed_pads(layer: Layer, size: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Before: what the kernel reaches over, less what is cut off there. After: as much as the output needs.

    size: of the input with the zeros.
    """
    found = []
    for length, kernel, step, (begin, _), output in zip(
        size, layer.kernel, layer.dilations, layer.pads, layer.output_size, strict=True
    ):
        reach = (kernel - 1) * step
        before = reach - begin
        found.append((before, max(output + reach - (length + before), 0)))
    return tuple(found)
