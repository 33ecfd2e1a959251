"""A convolution as depthwise, then pointwise; a sum of R such pairs is one depthwise layer over R copies of the input.

Network decoupling: Guo et al. 2018, arXiv:1808.05517, section 3. For input channel i the slice W[:, i] is a matrix
[C_out, k]; its best approximation by R products of a column (the pointwise weights) and a row (a depthwise filter) is
its truncated SVD, exact for R = min(C_out, k). The R depthwise outputs of all channels go through one pointwise layer,
which adds them up: no sums that int8 would round again. Copies and not a depth multiplier, which is the same function:
engines have fast kernels for the multiplier 1 alone.
"""

from __future__ import annotations

import numpy as np

from .convolution import Convolution, Weights
from .factored import Factored, balanced, stage
from .fit import Data, best, corrected_bias, factors, solve

__all__ = ["NAME", "macs", "most", "params", "separate"]

NAME = "depthwise + pointwise"


def most(convolution: Convolution) -> int:
    """The rank that is exact: min(C_out, k). 0 for one input channel, of which a depthwise layer makes nothing."""
    return min(convolution.channels_out, convolution.taps) if convolution.channels_in > 1 else 0


def params(convolution: Convolution, rank: int) -> int:
    """R·C_in·(k + C_out), biases apart."""
    return rank * convolution.channels_in * (convolution.taps + convolution.channels_out)


def macs(convolution: Convolution, rank: int) -> int:
    """R·C_in·(k + C_out)·P_out: (1/C_out + 1/k)·R of the convolution's."""
    return params(convolution, rank) * convolution.positions_out


def separate(convolution: Convolution, rank: int, data: Data | None = None) -> Factored:
    """The nearest sum of `rank` pairs. Without data in the weights; with data in the responses: filters from the SVD
    whitened by what each channel's window sees, pointwise weights by least squares over all channels at once.
    """
    slices = convolution.wide.transpose(1, 0, 2)
    filters, mixing = factors(slices, rank)
    if data is not None:
        channels, taps = convolution.channels_in, convolution.taps
        blocks = data.covariance.reshape(channels, taps, channels, taps)[np.arange(channels), :, np.arange(channels)]
        starts = [filters, factors(slices, rank, blocks)[0]]
        fits = [(filters, mixing), *((start, _mixing(convolution, start, data)) for start in starts)]
        filters, mixing = best(convolution, ((*fit, _weight(*fit)) for fit in fits), data)
    weight = _weight(filters, mixing)
    # [R·C_in, taps] and [C_out, R·C_in]: copy by copy.
    depthwise, pointwise = balanced(
        filters.transpose(1, 0, 2).reshape(-1, convolution.taps),
        mixing.transpose(1, 2, 0).reshape(convolution.channels_out, -1),
    )
    dimensions = len(convolution.kernel)
    first = stage(
        "depthwise",
        convolution,
        depthwise.reshape(-1, 1, *convolution.kernel),
        convolution.size_in,
        along=(True,) * dimensions,
        groups=rank * convolution.channels_in,
        repeat=rank,
    )
    second = stage(
        "pointwise",
        convolution,
        pointwise.reshape(*pointwise.shape, *[1] * dimensions),
        first.size_out,
        along=(False,) * dimensions,
    )
    return Factored(NAME, rank, ((first, second),), corrected_bias(convolution, weight, data), weight)


def _weight(filters: Weights, mixing: Weights) -> Weights:
    """[C_in, R, taps], [C_in, C_out, R] → [C_out, C_in, taps]."""
    weight: Weights = np.matmul(mixing, filters).transpose(1, 0, 2)
    return weight


def _mixing(convolution: Convolution, filters: Weights, data: Data) -> Weights:
    """The best [C_in, C_out, R] for these filters, [C_in, R, taps]."""
    channels, rank, taps = filters.shape
    # E[x·uᵀ] for the depthwise outputs u: [C_in·taps, C_in·R].
    cross = np.einsum("kjt,jrt->kjr", data.covariance.reshape(-1, channels, taps), filters, optimize=True)
    cross = cross.reshape(channels * taps, channels * rank)
    gram = np.matmul(filters, cross.reshape(channels, taps, -1)).reshape(channels * rank, channels * rank)
    exact = convolution.wide.reshape(convolution.channels_out, -1)
    return solve(gram, exact @ cross).reshape(-1, channels, rank).transpose(1, 0, 2)
