"""Zhang et al. 2016: with data the least error that any pair of this rank can have, which is known."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.models.separate.fit import response_error, weight_error
from sepia.models.separate.low_rank_pointwise import separate
from support.slow_convolutions import data_of, made, seen


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_the_responses_lose_their_last_principal_axes_and_no_more(rank: int) -> None:
    layer = made((7, 6, 1, 1), (9, 8))
    known = data_of(layer, seen(layer))
    weight = layer.wide[:, :, 0]
    axes = np.sort(np.linalg.eigvalsh(weight @ known.covariance @ weight.T))[::-1]
    found = separate(layer, rank, known)
    least = np.sqrt(axes[rank:].sum() / axes.sum())
    assert response_error(layer, found.weight, found.bias, known) == pytest.approx(least, rel=1e-3)


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_without_data_the_weights_lose_their_last_singular_values(rank: int) -> None:
    layer = made((7, 6, 1, 1), (9, 8))
    sizes = np.linalg.svd(layer.wide[:, :, 0], compute_uv=False)
    least = np.sqrt(np.square(sizes[rank:]).sum() / np.square(sizes).sum())
    assert weight_error(layer, separate(layer, rank).weight) == pytest.approx(least, rel=1e-6)


def test_the_first_of_the_two_has_the_stride() -> None:
    ((reduce, expand),) = separate(made((7, 6, 1, 1), (9, 8), strides=(2, 2)), 3).branches
    assert (reduce.strides, expand.strides) == ((2, 2), (1, 1)) and reduce.size_out == (5, 4)
