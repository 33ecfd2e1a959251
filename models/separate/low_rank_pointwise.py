"""A 1×1 convolution as two with fewer channels between.

Without data the truncated SVD of W, [C_out, C_in]. With data the responses count: Zhang et al. 2016, arXiv:1505.06798,
section 3.1, equation (4). W·√C has the same factors up to a turn, so the nearest responses of rank K are the projection
on the first K principal axes of the responses.
"""

from __future__ import annotations

from .convolution import Convolution
from .factored import Factored, balanced, stage
from .fit import Data, best, corrected_bias, factors

__all__ = ["NAME", "macs", "most", "params", "separate"]

NAME = "low-rank pointwise"


def most(convolution: Convolution) -> int:
    """The rank that is exact: min(C_out, C_in). 0 for a kernel that is wider than 1."""
    return min(convolution.channels_out, convolution.channels_in) if convolution.taps == 1 else 0


def params(convolution: Convolution, rank: int) -> int:
    """K·(C_in + C_out), biases apart."""
    return rank * (convolution.channels_in + convolution.channels_out)


def macs(convolution: Convolution, rank: int) -> int:
    """K·(C_in + C_out)·P_out: the first of the two has the stride."""
    return params(convolution, rank) * convolution.positions_out


def separate(convolution: Convolution, rank: int, data: Data | None = None) -> Factored:
    """The nearest pair through `rank` channels: without data in the weights, with data in the responses."""
    matrix = convolution.wide[:, :, 0]
    first, second = factors(matrix, rank)
    if data is not None:
        fits = [(first, second), factors(matrix, rank, data.covariance)]
        first, second = best(convolution, ((*fit, (fit[1] @ fit[0])[:, :, None]) for fit in fits), data)
    weight = (second @ first)[:, :, None]
    first, second = balanced(first, second)
    ones = (1,) * len(convolution.kernel)
    reduce = stage("reduce", convolution, first.reshape(*first.shape, *ones), convolution.size_in, along=_all(ones))
    expand = stage("expand", convolution, second.reshape(*second.shape, *ones), reduce.size_out, along=_none(ones))
    return Factored(NAME, rank, ((reduce, expand),), corrected_bias(convolution, weight, data), weight)


def _all(dimensions: tuple[int, ...]) -> tuple[bool, ...]:
    return (True,) * len(dimensions)


def _none(dimensions: tuple[int, ...]) -> tuple[bool, ...]:
    return (False,) * len(dimensions)
