"""A convolution as pointwise, then depthwise, or as the sum of R such pairs.

The other order of network decoupling: Guo et al. 2018, arXiv:1808.05517, section 3. For output channel o the slice W[o]
is a matrix [C_in, k]; its truncated SVD gives R products of a column (the pointwise weights) and a row (a depthwise
filter), exact for R = min(C_in, k). The pointwise layer runs before the stride, so it costs more than the other order
where there is one.
"""

from __future__ import annotations

import numpy as np

from .convolution import Convolution, Weights
from .factored import Factored, balanced, stage
from .fit import Data, best, corrected_bias, factors, solve

__all__ = ["NAME", "macs", "most", "params", "separate"]

NAME = "pointwise + depthwise"


def most(convolution: Convolution) -> int:
    """The rank that is exact: min(C_in, k). 0 for one output channel, of which a depthwise layer makes nothing."""
    return min(convolution.channels_in, convolution.taps) if convolution.channels_out > 1 else 0


def params(convolution: Convolution, rank: int) -> int:
    """R·C_out·(C_in + k), biases apart."""
    return rank * convolution.channels_out * (convolution.channels_in + convolution.taps)


def macs(convolution: Convolution, rank: int) -> int:
    """R·C_out·(C_in·P_in + k·P_out)."""
    mixing = convolution.channels_in * convolution.positions_in
    return rank * convolution.channels_out * (mixing + convolution.taps * convolution.positions_out)


def separate(convolution: Convolution, rank: int, data: Data | None = None) -> Factored:
    """The nearest sum of `rank` pairs. Without data in the weights; with data in the responses: pointwise weights from
    the SVD whitened by the covariance of the channels, filters by least squares, output by output.
    """
    # [C_out, taps, C_in] ≈ filters [C_out, taps, R] · mixing [C_out, R, C_in].
    slices = convolution.wide.transpose(0, 2, 1)
    mixing, filters = factors(slices, rank)
    if data is not None:
        channels, taps = convolution.channels_in, convolution.taps
        by_tap = np.einsum("itjt->ij", data.covariance.reshape(channels, taps, channels, taps)) / taps
        starts = [mixing, factors(slices, rank, by_tap)[0]]
        fits = [(mixing, filters), *((start, _filters(convolution, start, data)) for start in starts)]
        mixing, filters = best(convolution, ((*fit, _weight(*fit)) for fit in fits), data)
    weight = _weight(mixing, filters)
    branches = []
    dimensions = len(convolution.kernel)
    for term in range(rank):
        first, second = balanced(mixing[:, term], filters[:, :, term].T)
        pointwise = stage(
            "pointwise",
            convolution,
            first.reshape(*first.shape, *[1] * dimensions),
            convolution.size_in,
            along=(False,) * dimensions,
        )
        depthwise = stage(
            "depthwise",
            convolution,
            second.T.reshape(-1, 1, *convolution.kernel),
            pointwise.size_out,
            along=(True,) * dimensions,
            groups=convolution.channels_out,
        )
        branches.append((pointwise, depthwise))
    return Factored(NAME, rank, tuple(branches), corrected_bias(convolution, weight, data), weight)


def _weight(mixing: Weights, filters: Weights) -> Weights:
    """[C_out, R, C_in], [C_out, taps, R] → [C_out, C_in, taps]."""
    weight: Weights = np.matmul(filters, mixing).transpose(0, 2, 1)
    return weight


def _filters(convolution: Convolution, mixing: Weights, data: Data) -> Weights:
    """The best [C_out, taps, R] for these pointwise weights, [C_out, R, C_in]: one small system an output channel."""
    channels, taps, rank = convolution.channels_in, convolution.taps, mixing.shape[1]
    by_channel = data.covariance.reshape(channels, taps * channels * taps)
    found = []
    for exact, rows in zip(convolution.wide, mixing, strict=True):
        # What is seen, u[r, t] = Σ_i rows[r, i]·x[i, t]: E[u·xᵀ], then E[u·uᵀ].
        cross = (rows @ by_channel).reshape(rank, taps, channels, taps)
        gram = np.einsum("rtiu,si->rtsu", cross, rows, optimize=True).reshape(rank * taps, rank * taps)
        wanted = cross.reshape(rank * taps, -1) @ exact.reshape(-1)
        found.append(solve(gram, wanted[None]).reshape(rank, taps).T)
    return np.stack(found)
