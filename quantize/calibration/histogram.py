"""A histogram of a stream whose range is not known beforehand, in constant memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Histogram"]


class Histogram:
    """Counts in bins of one width, a power of two; bin 0 starts at zero exactly.

    When a value falls outside, bins are merged two by two until it fits. The result depends on the values alone, never
    on their order or on how they were split into calls. 2 · `half` counters, whatever comes: [−half·width, half·width).
    """

    def __init__(self, half: int = 2048) -> None:
        self.half = half
        self.width = 0.0
        """0 until a value other than zero is seen; never below 2^-100, whose inverse float32 still holds."""
        self._counts = np.zeros(2 * half, np.int64)
        self._zeros = 0

    @property
    def total(self) -> int:
        return int(self._counts.sum()) + self._zeros

    def add(self, values: NDArray[np.float32]) -> None:
        """Count finite `values` (any shape)."""
        flat = values.reshape(-1)
        if flat.size == 0:
            return
        largest = max(abs(float(flat.min())), abs(float(flat.max())))
        if largest == 0.0:
            self._zeros += flat.size
            return
        self._widen(largest)
        # A power of two: the division is exact but for values so small that they round to zero, where they belong.
        index = np.floor(flat * np.float32(1.0 / self.width)).astype(np.intp)
        self._counts += np.bincount(index + self.half, minlength=2 * self.half)

    def counts(self) -> NDArray[np.int64]:
        """Counters [2 · half], bin i covering [(i − half)·width, (i + 1 − half)·width); zeros in bin `half`."""
        counts = self._counts.copy()
        counts[self.half] += self._zeros
        return counts

    def edges(self) -> NDArray[np.float64]:
        """Edges of the bins, [2 · half + 1]."""
        return np.arange(-self.half, self.half + 1, dtype=np.float64) * self.width

    def centres(self) -> NDArray[np.float64]:
        """Centres of the bins, [2 · half]."""
        return (np.arange(-self.half, self.half, dtype=np.float64) + 0.5) * self.width

    def _widen(self, largest: float) -> None:
        # Strictly inside, so that +largest has a bin as well as −largest.
        exponent = int(np.floor(np.log2(largest))) + 1 - int(np.log2(self.half))
        needed = float(2.0 ** max(exponent, -100))
        if self.width == 0.0:
            self.width = needed
        while self.width < needed:
            self._merge()

    def _merge(self) -> None:
        pairs = self._counts.reshape(-1, 2).sum(axis=1)
        quarter = self.half // 2
        self._counts[:] = 0
        self._counts[quarter : quarter + self.half] = pairs
        self.width *= 2.0
