"""Spatially separable layers against their factors in loops, and against the standard layer that they are."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.errors import ModelError
from sepia.models.layers import ConvNorm, SpatiallySeparable
from support.slow_layers import draw_weights, ran, slow_convolution, slow_norm, slow_pad

_CASES = [
    (2, None, [(3, 1), (1, 5)]),
    (2, ((1,), (0,)), [(1, 5), (3, 1)]),
    (3, None, [(1, 5, 2), (3, 1, 1)]),
    (3, ((0,), (1,), (2,)), [(3, 1, 1), (1, 5, 1), (1, 1, 2)]),
    (3, ((2,), (0, 1)), [(1, 1, 2), (3, 5, 1)]),
]


@pytest.mark.parametrize(("dimensions", "directions", "kernels"), _CASES)
@pytest.mark.parametrize("padding", ["same", "valid", "numbers"])
@pytest.mark.parametrize("groups", [1, 2])
def test_it_is_its_factors_one_after_another(
    dimensions: int,
    directions: tuple[tuple[int, ...], ...] | None,
    kernels: list[tuple[int, ...]],
    padding: str,
    groups: int,
) -> None:
    stride, dilation, numbers = (2, 1, 1)[:dimensions], (1, 1, 2)[:dimensions], (1, 3, 0)[:dimensions]
    layer = SpatiallySeparable(
        2,
        4,
        (3, 5, 2)[:dimensions],
        stride,
        middle=6,
        directions=directions,
        dilation=dilation,
        groups=groups,
        padding=numbers if padding == "numbers" else padding,  # type: ignore[arg-type]
        dimensions=dimensions,
    )
    draw_weights(layer)
    values = np.random.default_rng(0).normal(size=(2, *(5, 6, 5)[:dimensions]))
    wanted = values
    for factor, kernel in zip(layer.chain, kernels, strict=True):
        assert isinstance(factor, ConvNorm) and factor.norm is not None
        assert factor.conv.kernel_size == kernel
        pads, steps, spreads = [], [], []
        for axis, taps in enumerate(kernel):
            mine = taps > 1
            step = stride[axis] if mine else 1
            spread = dilation[axis] if mine else 1
            length = wanted.shape[1 + axis]
            total = max((-(-length // step) - 1) * step + spread * (taps - 1) + 1 - length, 0)
            around = {"valid": (0, 0), "same": (total // 2, total - total // 2), "numbers": (numbers[axis],) * 2}
            pads.append(around[padding] if mine else (0, 0))
            steps.append(step)
            spreads.append(spread)
        weight = factor.conv.weight.detach().numpy()
        wanted, _ = slow_convolution(slow_pad(wanted, pads), weight, steps, spreads, groups)
        wanted = np.maximum(slow_norm(wanted, factor.norm), 0)
    np.testing.assert_allclose(ran(layer, values), wanted, atol=1e-9)
    assert layer.output_size(values.shape[1:]) == wanted.shape[1:]


@pytest.mark.parametrize("dimensions", [2, 3])
def test_depthwise_and_with_nothing_between_each_filter_is_an_outer_product(dimensions: int) -> None:
    each = tuple((axis,) for axis in range(dimensions))
    layer = SpatiallySeparable(3, 3, groups=3, directions=each, between=(), after=(), dimensions=dimensions)
    draw_weights(layer)
    lines = [factor.conv.weight.detach().numpy().reshape(3, 3) for factor in layer.chain]
    letters = "xyz"[:dimensions]
    whole = np.einsum(",".join(f"c{letter}" for letter in letters) + f"->c{letters}", *lines)[:, None]
    values = np.random.default_rng(0).normal(size=(3, *(4,) * dimensions))
    ones = (1,) * dimensions
    wanted, _ = slow_convolution(slow_pad(values, [(1, 1)] * dimensions), whole, ones, ones, 3)
    np.testing.assert_allclose(ran(layer, values), wanted, atol=1e-10)


def test_with_nothing_between_its_weights_have_the_rank_of_the_middle() -> None:
    layer = draw_weights(SpatiallySeparable(4, 5, middle=3, between=(), after=()))
    assert isinstance(layer, SpatiallySeparable)
    first, second = (factor.conv.weight.detach().numpy() for factor in layer.chain)
    whole = np.einsum("miy,omx->oiyx", first[..., 0], second[:, :, 0])
    values = np.random.default_rng(0).normal(size=(4, 5, 5))
    wanted, _ = slow_convolution(slow_pad(values, [(1, 1)] * 2), whole, (1, 1), (1, 1), 1)
    np.testing.assert_allclose(ran(layer, values), wanted, atol=1e-10)
    assert np.linalg.matrix_rank(whole.transpose(1, 2, 0, 3).reshape(4 * 3, 5 * 3)) == 3


def test_a_line_has_nothing_to_separate() -> None:
    with pytest.raises(ModelError, match="SpatiallySeparable: dimensions is 1: a kernel along a line has nothing"):
        SpatiallySeparable(2, 2, dimensions=1)


@pytest.mark.parametrize("directions", [((0, 1),), ((0,), (0,)), ((0,), (2,)), ((0,), (1,), (2,)), ()])
def test_directions_must_name_each_dimension_once(directions: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ModelError, match="accepted: two or more tuples that name each of the dimensions 0 to 1 once"):
        SpatiallySeparable(2, 2, directions=directions)
