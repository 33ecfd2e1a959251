"""Mean input of each weight of a layer: what bias correction multiplies a weight's error with.

A weight at tap t of the kernel sees the input at some positions only: borders, strides and dilations cut the others
off. The mean over the outputs of what it sees is exact, [C_in, taps], for about one read of the input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...graph.kinds import Kind
from ..layer import Layer

__all__ = ["TapMeans", "mean_output", "sums_by_tap"]

_SMALL = 1024
"""Positions up to which one product with a dense matrix of what each tap sees is quicker than sums along the axes."""


@dataclass(frozen=True)
class _Seen:
    """What the taps of one dimension see: tap t reads first[t], first[t] + stride, … up to last[t] (none if less)."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    stride: int

    def matrix(self, size: int) -> NDArray[np.float32]:
        """[size, taps], 0 or 1."""
        matrix = np.zeros((size, len(self.first)), np.float32)
        for tap, (first, last) in enumerate(zip(self.first, self.last, strict=True)):
            matrix[first : last + 1 : self.stride, tap] = 1.0 if last >= first else 0.0
        return matrix


def sums_by_tap(values: NDArray[Any], seen: _Seen) -> NDArray[np.float32]:
    """[…, size] → […, taps]: the sum of what each tap sees along the last axis.

    Taps of one phase of the stride see nearly the same, so what is common to them is summed once, and what each sees
    besides, at the borders, is added to it.
    """
    sums = np.zeros((*values.shape[:-1], len(seen.first)), np.float32)
    for phase in {first % seen.stride for first in seen.first}:
        taps = [tap for tap, first in enumerate(seen.first) if first % seen.stride == phase]
        first, last = max(seen.first[tap] for tap in taps), min(seen.last[tap] for tap in taps)
        common = _strided_sum(values, first, last, seen.stride)
        for tap in taps:
            if last < first:
                sums[..., tap] = _strided_sum(values, seen.first[tap], seen.last[tap], seen.stride)
                continue
            before = _strided_sum(values, seen.first[tap], first - seen.stride, seen.stride)
            after = _strided_sum(values, last + seen.stride, seen.last[tap], seen.stride)
            sums[..., tap] = common + before + after
    return sums


def _strided_sum(values: NDArray[Any], first: int, last: int, stride: int) -> NDArray[np.float32] | float:
    if last < first:
        return 0.0
    total: NDArray[np.float32] = values[..., first : last + 1 : stride].sum(axis=-1, dtype=np.float32)
    return total


def _in_small_products(values: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N, C, P] @ [P, K], a few channels at a time.

    OpenBLAS starts threads for products of more than 2^18 multiplications. Beside two threads that are busy already
    they cost eight times the processor time of the product itself.
    """
    batch, channels, positions = values.shape
    most = max(1, (1 << 18) // matrix.size)
    step = max(size for size in range(1, channels + 1) if channels % size == 0 and size <= most)
    product: NDArray[np.float32] = values.reshape(-1, step, positions) @ matrix
    return product.reshape(batch, channels, -1)


def _what_taps_see(
    kernel: int, size_in: int, size_out: int, *, stride: int, dilation: int, pad: int, transposed: bool
) -> _Seen:
    first, last = [], []
    for tap in range(kernel):
        offset = tap * dilation - pad
        if transposed:
            # Input i goes to output i · stride + offset, if there is one.
            first.append(max(0, -(offset // stride)))
            last.append(min(size_in - 1, (size_out - 1 - offset) // stride))
        else:
            start = max(0, -(offset // stride))
            first.append(start * stride + offset)
            last.append(min(size_out - 1, (size_in - 1 - offset) // stride) * stride + offset)
    return _Seen(tuple(first), tuple(last), 1 if transposed else stride)


class TapMeans:
    """Streams the inputs of one layer. Memory: one float64 a weight of one output channel."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._sum: NDArray[np.float64] | None = None
        self._seen: list[_Seen] = []
        self._dense: NDArray[np.float32] | None = None
        self.count = 0

    def add(self, values: NDArray[Any]) -> None:
        """One sample. values: [N, C_in, *size], or [N, C_in] for a fully connected layer; float32 or codes."""
        sums = self._contract(values) if self._layer.kernel else values
        total = sums.reshape(*sums.shape[:2], -1).sum(axis=0, dtype=np.float64)
        self._sum = total if self._sum is None else self._sum + total
        self.count += int(values.shape[0])

    def means(self) -> NDArray[np.float64]:
        """[C_in, taps], taps in the order of the weight's kernel."""
        if self._sum is None:
            raise ValueError(f"no input of {self._layer.name} was seen")
        return self._sum / (self.count * int(np.prod(self._layer.output_size, dtype=np.int64)))

    def _contract(self, values: NDArray[Any]) -> NDArray[Any]:
        """[N, C, *size] → [N, C, taps] or [N, C, *kernel]."""
        size = values.shape[2:]
        if not self._seen:
            self._seen = self._build(size)
        flat = values.reshape(*values.shape[:2], -1)
        if self._sees_all(size):
            sums: NDArray[np.float32] = flat.sum(axis=2, dtype=np.float32)[..., np.newaxis]
            return sums
        if flat.shape[2] <= _SMALL:
            return _in_small_products(flat.astype(np.float32, copy=False), self._matrix(size))
        for seen in reversed(self._seen):
            # The last axis is summed to taps, which then go in front of the axes that wait.
            values = np.moveaxis(sums_by_tap(values, seen), -1, 2)
        return values

    def _sees_all(self, size: tuple[int, ...]) -> bool:
        """A pointwise layer: its one tap sees every position."""
        whole = [_Seen((0,), (length - 1,), 1) for length in size]
        return self._seen == whole

    def _matrix(self, size: tuple[int, ...]) -> NDArray[np.float32]:
        """[positions, taps]: 1 where a tap sees a position."""
        if self._dense is None:
            self._dense = np.ones((1, 1), np.float32)
            for seen, length in zip(self._seen, size, strict=True):
                self._dense = np.kron(self._dense, seen.matrix(length))
        return self._dense

    def _build(self, size: tuple[int, ...]) -> list[_Seen]:
        layer = self._layer
        rows = zip(layer.kernel, size, layer.output_size, layer.strides, layer.dilations, layer.pads, strict=True)
        transposed = layer.kind is Kind.TRANSPOSED
        return [
            _what_taps_see(k, i, o, stride=s, dilation=d, pad=p[0], transposed=transposed) for k, i, o, s, d, p in rows
        ]


def mean_output(layer: Layer, weight: NDArray[np.float32], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean output [C_out] of `layer` with `weight` (its shape) and no bias, for the input means of `TapMeans`."""
    groups = layer.group
    grouped_weight = weight.reshape(groups, weight.shape[0] // groups, -1).astype(np.float64)
    grouped_means = means.reshape(groups, -1)
    result: NDArray[np.float64] = np.einsum("gow,gw->go", grouped_weight, grouped_means).reshape(-1)
    return result
