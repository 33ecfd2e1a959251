"""What the pictures rest on: isometric geometry, ranks, the formula, and rounding to int8."""

from __future__ import annotations

from math import dist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.models.layers import ConvNorm, DepthwiseSeparable

from benchmarks.separable.charts import ratio
from benchmarks.separable.kernels import KERNELS, rank_of, singular_values
from benchmarks.separable.layers_drawn import LAYERS_DRAWN
from benchmarks.separable.solid import Solid, extent
from benchmarks.separable.weights import rounded


@settings(deadline=None)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 8), st.floats(4, 30))
def test_cells_are_cubes_seen_along_their_diagonal(width: int, height: int, depth: int, cell: float) -> None:
    solid = Solid(100, 100, width, height, depth, cell)
    origin = solid.at(0, 0, 0)
    assert origin == (100, 100)
    ends = [solid.at(1, 0, 0), solid.at(0, 1, 0), solid.at(0, 0, 1)]
    # All edges are equally long; the two that lie flat are 120° apart, and the third halves what is between.
    assert [dist(origin, end) for end in ends] == pytest.approx([cell] * 3)
    apart = [dist(ends[0], ends[1]), dist(ends[1], ends[2])]
    assert apart == pytest.approx([cell] * 2) and dist(ends[0], ends[2]) == pytest.approx(cell * 3**0.5)
    left, right, below = extent(width, height, depth, cell)
    corners = [solid.at(w, h, d) for w in (0, width) for h in (0, height) for d in (0, depth)]
    assert min(x for x, _ in corners) == pytest.approx(100 - left)
    assert max(x for x, _ in corners) == pytest.approx(100 + right)
    assert max(y for _, y in corners) == pytest.approx(100 + below)


@pytest.mark.parametrize("name", KERNELS)
def test_rank_is_how_many_outer_products_it_takes(name: str) -> None:
    kernel = KERNELS[name]
    left, values, right = np.linalg.svd(kernel)
    rank = rank_of(kernel)
    assert rank == np.linalg.matrix_rank(kernel)
    made = sum(value * np.outer(left[:, i], right[i]) for i, value in enumerate(values[:rank]))
    np.testing.assert_allclose(made, kernel, atol=1e-12)
    if rank > 1:
        short = sum(value * np.outer(left[:, i], right[i]) for i, value in enumerate(values[: rank - 1]))
        assert np.abs(short - kernel).max() > 0.1
    assert singular_values(kernel)[0] == 1


def test_which_kernels_are_separable() -> None:
    assert {name: rank_of(kernel) for name, kernel in KERNELS.items()} == {
        "box": 1, "gauss": 1, "sobel": 1, "laplace": 2, "corner": 2, "diagonal": 3,
    }  # fmt: skip


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3, 5]), st.integers(1, 3))
def test_the_formula_is_what_layers_count(inputs: int, outputs: int, kernel: int, dimensions: int) -> None:
    size = (6,) * dimensions
    standard = ConvNorm(inputs, outputs, kernel, norm=False, dimensions=dimensions).cost(size)
    pair = DepthwiseSeparable(inputs, outputs, kernel, between=(), after=(), dimensions=dimensions).cost(size)
    assert pair.macs / standard.macs == pytest.approx(ratio(outputs, kernel, dimensions))
    assert pair.parameters / standard.parameters == pytest.approx(ratio(outputs, kernel, dimensions))


def test_rounding_is_to_the_nearest_of_255_steps() -> None:
    weight = np.random.default_rng(0).normal(size=(3, 2, 2, 2)).astype(np.float32)
    greatest = np.abs(weight).reshape(3, -1).max(axis=1).reshape(3, 1, 1, 1)
    found = rounded(weight, greatest)
    for channel in range(3):
        codes = np.arange(-127, 128) * float(greatest[channel, 0, 0, 0]) / 127
        for value, told in zip(weight[channel].ravel(), found[channel].ravel(), strict=True):
            assert told == pytest.approx(codes[np.abs(codes - value).argmin()], abs=1e-6)
    assert (rounded(np.zeros((1, 4)), 0.0) == 0).all()


@pytest.mark.parametrize("name", LAYERS_DRAWN)
def test_drawn_again_it_is_the_same(name: str) -> None:
    assert LAYERS_DRAWN[name]("en").render() == LAYERS_DRAWN[name]("en").render()
    assert LAYERS_DRAWN[name]("en").render() != LAYERS_DRAWN[name]("ru").render()
