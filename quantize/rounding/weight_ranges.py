"""The end of a weight's grid, for each output channel or for a whole layer.

A grid of weights is symmetric, [−end, end] in 2 · limit steps, so one number says it all. With one end a layer, a
channel of small weights has few codes to choose from: what per-channel scales are for (Krishnamoorthi 2018,
arXiv:1806.08342, section 3.1.2), and what equalisation mends where a runtime has none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..layer import Layer

__all__ = ["WeightRange", "max_end", "mse_end", "percentile_end", "weight_ends"]

WeightRange = Callable[[NDArray[np.float32], int], NDArray[np.float64]]
"""(weights [rows, n], limit of their codes) → the end of each row's grid, [rows], at most the row's max |w|."""

_SHARES = np.linspace(1.0, 0.3, 71)
"""Candidates for an end, of max |w|. Below a third of it no distribution of weights seen here has its least error."""


def weight_ends(layer: Layer, method: WeightRange, *, per_tensor: bool, limit: int = 127) -> NDArray[np.float64]:
    """Ends of the grids of `layer`, [C_out]; all alike where there is one for the whole layer."""
    rows = layer.weight.reshape(1 if per_tensor else layer.channels_out, -1)
    ends: NDArray[np.float64] = np.broadcast_to(method(rows, limit), (layer.channels_out,)).astype(np.float64)
    return ends


def max_end(rows: NDArray[np.float32], limit: int) -> NDArray[np.float64]:
    """max |w|: nothing is clipped."""
    largest: NDArray[np.float64] = np.abs(rows).max(axis=1).astype(np.float64)
    return largest


def mse_end(rows: NDArray[np.float32], limit: int) -> NDArray[np.float64]:
    """The end with the least squared error of the nearest codes, of 71 from max |w| down to 0.3 of it.

    Choukroun et al. 2019, arXiv:1902.06822, equation (1), for a symmetric grid. The error is that of the weights
    themselves, which is not that of the layer's output.
    """
    wide = rows.astype(np.float64)
    largest = np.abs(wide).max(axis=1)
    best, least = largest.copy(), np.full(len(rows), np.inf)
    for share in _SHARES:
        end = largest * share
        step = np.where(end > 0.0, end, 1.0)[:, None] / limit
        error = np.square(np.clip(np.rint(wide / step), -limit, limit) * step - wide).sum(axis=1)
        # Strictly less: of equal errors the widest end is kept.
        best = np.where(error < least, end, best)
        least = np.minimum(error, least)
    found: NDArray[np.float64] = best
    return found


def percentile_end(rows: NDArray[np.float32], limit: int, *, percentile: float = 99.99) -> NDArray[np.float64]:
    """The end that `percentile` percent of the |w| do not pass, linear between them; 100 is `max_end`.

    A filter of 9 weights has no 99.99th percentile to speak of: there it clips next to nothing.
    """
    ends: NDArray[np.float64] = np.percentile(np.abs(rows).astype(np.float64), percentile, axis=1)
    return ends
