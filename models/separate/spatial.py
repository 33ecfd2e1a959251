"""A convolution as two that each look along some of the dimensions: k×1 and then 1×k, through K maps between.

Jaderberg et al. 2014, arXiv:1405.3866, section 2.2, scheme 2. W[o, i, a, b] as a matrix [(o, b), (i, a)] has a
truncated SVD, and its factors are the two layers; exact for K = min(C_out·k_b, C_in·k_a). In 3-D the first layer is
1×k×k and the second k×1×1. With data the responses count instead of the weights, as in Zhang et al. 2016,
arXiv:1505.06798, section 3.1: the SVD is whitened by the inputs' second moments, and the second layer is then found
by least squares.
"""

from __future__ import annotations

from math import prod

import numpy as np

from .convolution import Convolution, Weights
from .factored import Factored, balanced, stage
from .fit import Data, best, corrected_bias, factors, solve

__all__ = ["NAME", "macs", "most", "params", "separate", "taps"]

NAME = "spatially separable"


def most(convolution: Convolution) -> int:
    """The rank that is exact. 0 where one of the two layers would have a kernel of one position."""
    first, second = taps(convolution)
    if min(first, second) < 2:
        return 0
    return min(convolution.channels_in * first, convolution.channels_out * second)


def params(convolution: Convolution, rank: int) -> int:
    """K·(C_in·k_a + C_out·k_b), biases apart."""
    first, second = taps(convolution)
    return rank * (convolution.channels_in * first + convolution.channels_out * second)


def macs(convolution: Convolution, rank: int) -> int:
    """K·(C_in·k_a·P_mid + C_out·k_b·P_out); P_mid: the first layer has moved along its own dimensions alone."""
    first, second = taps(convolution)
    along = _first(convolution)
    between = prod(convolution.size_out[d] if along[d] else convolution.size_in[d] for d in range(len(along)))
    return rank * (
        convolution.channels_in * first * between + convolution.channels_out * second * convolution.positions_out
    )


def separate(convolution: Convolution, rank: int, data: Data | None = None) -> Factored:
    """The nearest pair through `rank` maps: without data in the weights, with data in the responses."""
    channels_in, channels_out = convolution.channels_in, convolution.channels_out
    first_taps, second_taps = taps(convolution)
    split = _split(convolution)
    # [(o, b), (i, a)]
    matrix = split.transpose(0, 3, 1, 2).reshape(channels_out * second_taps, channels_in * first_taps)
    down, across = factors(matrix, rank)
    if data is not None:
        covariance = _split_covariance(convolution, data)
        by_column = np.einsum("iabjcb->iajc", covariance).reshape(2 * (matrix.shape[1],)) / second_taps
        starts = [down, factors(matrix, rank, by_column)[0]]
        fits = [(down, across), *((start, _across(convolution, start, covariance)) for start in starts)]
        down, across = best(convolution, ((*fit, _weight(convolution, *fit)) for fit in fits), data)
    weight = _weight(convolution, down, across)
    down, across = balanced(down, across)
    along = _first(convolution)
    other = tuple(not is_first for is_first in along)
    first = stage(
        "first",
        convolution,
        down.reshape(rank, channels_in, *_kernel(convolution, along)),
        convolution.size_in,
        along=along,
    )
    second_weight = across.reshape(channels_out, second_taps, rank).transpose(0, 2, 1)
    second = stage(
        "second",
        convolution,
        second_weight.reshape(channels_out, rank, *_kernel(convolution, other)),
        first.size_out,
        along=other,
    )
    return Factored(NAME, rank, ((first, second),), corrected_bias(convolution, weight, data), weight)


def _first(convolution: Convolution) -> tuple[bool, ...]:
    """The dimensions of the first layer: of two the first, of three all but the first."""
    dimensions = len(convolution.kernel)
    return tuple((d == 0) == (dimensions == 2) for d in range(dimensions)) if dimensions > 1 else (True,)


def _kernel(convolution: Convolution, along: tuple[bool, ...]) -> tuple[int, ...]:
    return tuple(k if chosen else 1 for k, chosen in zip(convolution.kernel, along, strict=True))


def taps(convolution: Convolution) -> tuple[int, int]:
    """k_a and k_b: positions of the first layer's kernel and of the second's."""
    first = prod(_kernel(convolution, _first(convolution)))
    return first, convolution.taps // first


def _order(convolution: Convolution) -> tuple[int, ...]:
    """The dimensions, those of the first layer in front."""
    along = _first(convolution)
    return tuple(sorted(range(len(along)), key=lambda d: not along[d]))


def _split(convolution: Convolution) -> Weights:
    """The weight as [C_out, C_in, a, b]."""
    wide = convolution.weight.astype(np.float64)
    moved = wide.transpose(0, 1, *(2 + d for d in _order(convolution)))
    return moved.reshape(*wide.shape[:2], *taps(convolution))


def _split_covariance(convolution: Convolution, data: Data) -> Weights:
    """[C_in, a, b, C_in, a, b]."""
    channels, kernel, order = convolution.channels_in, convolution.kernel, _order(convolution)
    whole = data.covariance.reshape(channels, *kernel, channels, *kernel)
    half = len(kernel) + 1
    moved = whole.transpose(0, *(1 + d for d in order), half, *(half + 1 + d for d in order))
    return moved.reshape(channels, *taps(convolution), channels, *taps(convolution))


def _weight(convolution: Convolution, down: Weights, across: Weights) -> Weights:
    """[K, (i, a)], [(o, b), K] → [C_out, C_in, taps], taps in the order of the kernel."""
    first, second = taps(convolution)
    order = _order(convolution)
    matrix = (across @ down).reshape(convolution.channels_out, second, convolution.channels_in, first)
    split = matrix.transpose(0, 2, 3, 1)
    kernel = split.reshape(*split.shape[:2], *(convolution.kernel[d] for d in order))
    back = np.argsort(order)
    return kernel.transpose(0, 1, *(2 + back)).reshape(convolution.channels_out, convolution.channels_in, -1)


def _across(convolution: Convolution, down: Weights, covariance: Weights) -> Weights:
    """The best [(o, b), K] for the first layer `down`, [K, (i, a)]."""
    first, second = taps(convolution)
    channels, rank = convolution.channels_in, len(down)
    rows = down.reshape(rank, channels, first)
    # What is between, u[K, b] = Σ rows[K, i, a]·x[i, a, b]: E[x·uᵀ], then E[u·uᵀ].
    cross = np.einsum("iabjcd,Kjc->iabKd", covariance, rows, optimize=True)
    gram = np.einsum("Lia,iabKd->LbKd", rows, cross, optimize=True).reshape(2 * (rank * second,))
    exact = _split(convolution).reshape(convolution.channels_out, -1)
    found = solve(gram, exact @ cross.reshape(exact.shape[1], -1)).reshape(-1, rank, second)
    return found.transpose(0, 2, 1).reshape(-1, rank)
