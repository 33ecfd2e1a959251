"""Guo et al. 2018: per input channel the truncated SVD, written out channel by channel."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.models.separate.depthwise_pointwise import separate
from sepia.models.separate.fit import weight_error
from support.slow_convolutions import data_of, made, seen


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_the_nearest_sum_by_input_channel(rank: int) -> None:
    convolution = made((6, 3, 3, 3), (7, 7))
    wanted = np.zeros((6, 3, 9))
    for channel in range(3):
        left, size, right = np.linalg.svd(convolution.wide[:, channel].astype(np.float64))
        for term in range(rank):
            wanted[:, channel] += size[term] * np.outer(left[:, term], right[term])
    np.testing.assert_allclose(separate(convolution, rank).weight, wanted, atol=1e-10)


def test_a_layer_that_is_separable_is_found_again() -> None:
    """A standard layer whose kernel is one depthwise filter a channel times a mixing matrix: rank 1 is exact."""
    rng = np.random.default_rng(3)
    filters, mixing = rng.normal(size=(4, 3, 3)), rng.normal(size=(7, 4))
    convolution = made((7, 4, 3, 3), (8, 8))
    convolution.weight[...] = np.einsum("oi,iab->oiab", mixing, filters)
    assert weight_error(convolution, separate(convolution, 1).weight) < 1e-6
    known = data_of(convolution, seen(convolution))
    assert weight_error(convolution, separate(convolution, 1, known).weight) < 1e-4


def test_one_depthwise_layer_carries_all_terms() -> None:
    ((depthwise, pointwise),) = separate(made((6, 3, 3, 3), (7, 7), strides=(2, 2)), 4).branches
    assert depthwise.weight.shape == (12, 1, 3, 3) and depthwise.strides == (2, 2)
    assert depthwise.repeat == 4 and depthwise.groups == 12, "the multiplier 1, for which engines have kernels"
    assert pointwise.weight.shape == (6, 12, 1, 1) and pointwise.groups == 1 and pointwise.strides == (1, 1)


def test_the_mixing_is_the_least_squares_one() -> None:
    """Of the responses to real windows, by NumPy's own solver, for the filters that were chosen."""
    convolution = made((5, 3, 3, 3), (9, 9), pads=((0, 0), (0, 0)), bias=False)
    values = seen(convolution, samples=8)
    found = separate(convolution, 1, data_of(convolution, values))
    ((depthwise, pointwise),) = found.branches
    windows = np.lib.stride_tricks.sliding_window_view(values.astype(np.float64), (3, 3), axis=(2, 3))
    windows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, 3, 9)
    windows -= windows.mean(axis=0)
    hidden = np.einsum("nik,ik->ni", windows, depthwise.weight.reshape(3, 9))
    wanted = windows.reshape(len(windows), -1) @ convolution.wide.reshape(5, -1).T
    mixing, *_ = np.linalg.lstsq(hidden, wanted, rcond=None)
    np.testing.assert_allclose(pointwise.weight[:, :, 0, 0], mixing.T, rtol=1e-3, atol=1e-4)
