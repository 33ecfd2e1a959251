"""What calibration remembers of one tensor: its exact ends and, where a method asks for it, a histogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .histogram import Histogram

__all__ = ["SAMPLED", "Observed"]

SAMPLED = 1 << 13
"""Values of one tensor that go into the histogram from one sample, at most (about: the stride is a whole number)."""


class Observed:
    """Least and greatest value, exact, over all that was seen; the histogram takes every n-th value of a large tensor.

    The stride is made odd so that it does not fall in step with a row of even length.
    """

    def __init__(self, *, histogram: bool) -> None:
        self.minimum = np.inf
        self.maximum = -np.inf
        self.histogram = Histogram() if histogram else None

    @property
    def empty(self) -> bool:
        return self.minimum > self.maximum

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.minimum) and np.isfinite(self.maximum))

    def add(self, values: NDArray[np.float32]) -> None:
        """See one sample's values (any shape). NaN or infinity among them makes `finite` false for good."""
        self.minimum = float(np.minimum(self.minimum, values.min()))
        self.maximum = float(np.maximum(self.maximum, values.max()))
        if self.histogram is not None and self.finite:
            self.histogram.add(values.reshape(-1)[:: stride_of(values.size)])


def stride_of(size: int) -> int:
    """Every n-th value of so many: odd, and 1 for a small tensor."""
    stride = -(-size // SAMPLED)
    return stride + 1 - stride % 2
