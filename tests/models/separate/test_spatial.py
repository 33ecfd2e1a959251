"""Jaderberg et al. 2014, scheme 2: the SVD of the kernel, written out; with data, the second layer by least squares."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.models.separate.fit import response_error
from sepia.models.separate.spatial import separate
from support.slow_convolutions import data_of, made


@pytest.mark.parametrize("rank", [1, 4])
def test_the_nearest_pair_through_so_many_maps(rank: int) -> None:
    layer = made((4, 3, 3, 2), (7, 6))
    matrix = np.zeros((4 * 2, 3 * 3))
    for o, i, a, b in np.ndindex(4, 3, 3, 2):
        matrix[2 * o + b, 3 * i + a] = layer.weight[o, i, a, b]
    left, size, right = np.linalg.svd(matrix)
    near = (left[:, :rank] * size[:rank]) @ right[:rank]
    wanted = np.zeros((4, 3, 6))
    for o, i, a, b in np.ndindex(4, 3, 3, 2):
        wanted[o, i, 2 * a + b] = near[2 * o + b, 3 * i + a]
    np.testing.assert_allclose(separate(layer, rank).weight, wanted, atol=1e-10)


def test_the_first_layer_looks_down_and_the_second_across() -> None:
    ((first, second),) = separate(made((4, 3, 3, 5), (9, 9), strides=(2, 1), dilations=(1, 2)), 2).branches
    assert first.weight.shape == (2, 3, 3, 1) and second.weight.shape == (4, 2, 1, 5)
    assert first.strides == (2, 1) and second.strides == (1, 1) and second.dilations == (1, 2)
    ((plane, depth),) = separate(made((4, 3, 2, 3, 3), (5, 6, 7)), 2).branches
    assert plane.weight.shape == (2, 3, 1, 3, 3) and depth.weight.shape == (4, 2, 2, 1, 1)


def test_whitening_finds_what_the_weights_alone_do_not_show() -> None:
    """Two input channels, the louder one 100 times: one map is spent on it, whatever the weights' own SVD prefers."""
    layer = made((1, 2, 3, 3), (16, 16), pads=((0, 0), (0, 0)))
    rng = np.random.default_rng(1)
    layer.weight[0, 0] = 1.0 * np.outer(rng.normal(size=3), rng.normal(size=3))
    layer.weight[0, 1] = 9.0 * np.outer(rng.normal(size=3), rng.normal(size=3))
    values = rng.normal(size=(8, 2, 16, 16)).astype(np.float32) * np.array([100.0, 1.0], np.float32)[:, None, None]
    known = data_of(layer, values)
    blind, seeing = separate(layer, 1), separate(layer, 1, known)
    assert response_error(layer, blind.weight, blind.bias, known) > 0.5
    assert response_error(layer, seeing.weight, seeing.bias, known) < 0.15
