"""Real numbers that are known to lie between two ends: what an exact value may become by rounding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ULP", "Array", "Interval", "exactly", "hull"]

Array = NDArray[Any]

ULP = 2.0**-23
"""The relative distance of two neighbouring float32 numbers: twice what one rounding can change."""


@dataclass(frozen=True)
class Interval:
    """low ≤ value ≤ high, element by element, float64 of one shape."""

    low: Array
    high: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.low.shape)

    @property
    def middle(self) -> Array:
        middle: Array = (self.low + self.high) / 2
        return middle

    @property
    def radius(self) -> Array:
        radius: Array = (self.high - self.low) / 2
        return radius

    @property
    def magnitude(self) -> Array:
        """The greatest absolute value."""
        magnitude: Array = np.maximum(np.abs(self.low), np.abs(self.high))
        return magnitude

    def widened(self, by: Array | float) -> Interval:
        return Interval(self.low - by, self.high + by)

    def rounded(self, times: float = 1.0) -> Interval:
        """After `times` roundings to float32."""
        return self.widened(times * ULP * self.magnitude)

    def mapped(self, move: Callable[[Array], Array]) -> Interval:
        """Through a function that only moves values about, or never falls where its arguments rise."""
        return Interval(move(self.low), move(self.high))


def exactly(values: Array) -> Interval:
    wide = np.asarray(values, np.float64)
    return Interval(wide, wide)


def hull(ends: Sequence[Array]) -> Interval:
    """The least interval that holds all of them."""
    return Interval(reduce(np.minimum, ends), reduce(np.maximum, ends))
