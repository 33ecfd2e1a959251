"""How far the factors of a stream's channels may go."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .streams import Stream

__all__ = ["Ends", "least_factors", "shares"]

Floats = NDArray[np.float64]
Ends = Mapping[str, tuple[Floats, Floats]]
"""(least, greatest) value of each channel, [C] each, by the name of a value."""


def least_factors(stream: Stream, ends: Ends) -> tuple[Floats, Floats]:
    """(least, greatest) factor of each channel, [C] each, that leaves every Clip of the stream doing what it did.

    A channel whose ends lie below the bound h may be scaled up until they touch it, s ≥ high / h, and down at will; one
    that can pass h stays, s = 1. So does one whose ends are not known.
    """
    least, most = np.zeros(stream.channels), np.full(stream.channels, np.inf)
    for name, bound in stream.clips:
        high = ends[name][1] if name in ends else np.full(stream.channels, np.inf)
        free = high <= bound
        least = np.maximum(least, np.where(free, np.maximum(high, 0.0) / bound, 1.0))
        most = np.minimum(most, np.where(free, np.inf, 1.0))
    return least, most


def shares(stream: Stream, ends: Ends) -> Floats:
    """What part of its tensor's greatest magnitude each channel reaches, [C] in [0, 1]; the most over its tensors.

    Divided by its share, a channel fills its tensors' grids as the greatest one does and no tensor gets wider.
    """
    bounds = dict(stream.clips)
    found = np.zeros(stream.channels)
    for name in (name for name in stream.values if name in ends):
        low, high = ends[name]
        below = np.zeros_like(low) if name in stream.rectified else np.maximum(-low, 0.0)
        largest = np.maximum(below, np.clip(high, 0.0, bounds.get(name, np.inf)))
        most = float(largest.max())
        if most > 0.0:
            found = np.maximum(found, largest / most)
    return found
