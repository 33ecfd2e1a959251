"""How far a figure can be trusted: 95 % intervals of a share and of a rms error."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RESAMPLES", "rms_interval", "wilson"]

RESAMPLES = 2000

_Z = 1.959964
"""Of the normal distribution: 95 % lie between −z and z."""


def wilson(right: int, count: int) -> tuple[float, float]:
    """(low, high) of a share: `right` of `count`, one or more. Wilson 1927, JASA 22, 209–212.

    Unlike p ± z·√(p(1−p)/n) it is no point where all are right.
    """
    share = right / count
    spread = _Z**2 / count
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def rms_interval(squares: NDArray[np.float64], *, seed: int = 0) -> tuple[float, float]:
    """(low, high): the middle 95 % of the rms over bootstrap resamples of whole photos.

    squares: [photos, views], the mean squared error of each view. The views of a photo are drawn together: they are
    no two photos.
    """
    import numpy as np

    chance = np.random.default_rng(seed)
    means = squares.mean(axis=1)
    drawn = chance.integers(len(means), size=(RESAMPLES, len(means)))
    low, high = np.percentile(np.sqrt(means[drawn].mean(axis=1)), (2.5, 97.5))
    return float(low), float(high)
