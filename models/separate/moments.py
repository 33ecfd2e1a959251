"""Mean and covariance of what a convolution's filters see: all that a linear fit need know of the data.

E‖(W − Ŵ)·(x − μ)‖² over the windows x is tr((W − Ŵ)·C·(W − Ŵ)ᵀ), so that any number of samples becomes one matrix.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .convolution import Convolution, Weights

__all__ = ["Moments", "moments_bytes", "windows"]

_POSITIONS = 1024
"""Positions of one sample that are looked at, at most: neighbours see nearly the same."""


def moments_bytes(convolution: Convolution) -> int:
    """Memory that the moments of a layer take: K² float64 for K = C_in·taps."""
    return 8 * (convolution.channels_in * convolution.taps) ** 2


class Moments:
    """Streams the inputs of one layer. K = C_in·taps, in the order of the weight's axes."""

    def __init__(self, convolution: Convolution) -> None:
        self._convolution = convolution
        width = convolution.channels_in * convolution.taps
        self._sum = np.zeros(width)
        self._products = np.zeros((width, width))
        self._samples = 0
        self.count = 0
        """Windows that were looked at."""

    def add(self, values: NDArray[np.float32]) -> None:
        """values: [N, C_in, *size], as the layer reads them."""
        for one in values:
            seen = windows(self._convolution, one[None], first=self._samples)
            self._samples += 1
            self.count += len(seen)
            self._sum += seen.sum(axis=0, dtype=np.float64)
            # A thousand windows in single precision, all of them in double: the product is what takes the time.
            self._products += seen.T @ seen

    @property
    def mean(self) -> Weights:
        """μ, [K]."""
        return self._sum / max(self.count, 1)

    @property
    def covariance(self) -> Weights:
        """C = E[x·xᵀ] − μ·μᵀ, [K, K]."""
        mean = self.mean
        found: Weights = self._products / max(self.count, 1) - np.outer(mean, mean)
        return found


def windows(convolution: Convolution, values: NDArray[np.float32], *, first: int = 0) -> NDArray[np.float32]:
    """What the filters see, [windows, K], at no more than 1024 positions of a sample, evenly over all.

    values: [N, C_in, *size]. first: moves the positions on, so that samples one after the other show other ones.
    """
    rank = len(convolution.kernel)
    padded = np.pad(values, ((0, 0), (0, 0), *convolution.pads))
    reach = tuple((k - 1) * d + 1 for k, d in zip(convolution.kernel, convolution.dilations, strict=True))
    view = sliding_window_view(padded, reach, axis=tuple(range(2, 2 + rank)))
    strided = tuple(slice(None, None, stride) for stride in convolution.strides)
    taps = tuple(slice(None, None, dilation) for dilation in convolution.dilations)
    view = view[(slice(None), slice(None), *strided, *taps)]
    size = view.shape[2 : 2 + rank]
    total = prod(size)
    step = -(-total // _POSITIONS)
    places = np.unravel_index(np.arange(first % step, total, step), size)
    # [N, C, windows, *kernel], of which alone a copy is made.
    chosen: tuple[Any, ...] = (slice(None), slice(None), *places)
    seen = view[chosen]
    found: NDArray[np.float32] = np.moveaxis(seen, 1, 2).reshape(-1, convolution.channels_in * convolution.taps)
    return found
