"""Depthwise separable layers: both orders, and what stands between, against the two steps in loops."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from sepia.models.layers import ConvNorm, DepthwiseSeparable
from support.slow_layers import Array, draw_weights, ran, slow_convolution, slow_norm, slow_pad

_FOLLOWS = ((), ("norm",), ("activation",), ("norm", "activation"))


def step(layer: ConvNorm, values: Array, follows: tuple[str, ...]) -> Array:
    """One of the two, its border centred zeros; `follows` is what the caller asked for."""
    conv = layer.conv
    pads = [(d * (k // 2),) * 2 for k, d in zip(conv.kernel_size, conv.dilation, strict=True)]
    bias = None if conv.bias is None else conv.bias.detach().numpy()
    padded = slow_pad(values, pads)
    result, _ = slow_convolution(padded, conv.weight.detach().numpy(), conv.stride, conv.dilation, conv.groups, bias)
    if "norm" in follows:
        assert layer.norm is not None
        result = slow_norm(result, layer.norm)
    return np.maximum(result, 0) if "activation" in follows else result


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize(("between", "after"), [*product(_FOLLOWS, _FOLLOWS)])
def test_what_follows_each_step_is_what_was_asked_for(
    between: tuple[str, ...], after: tuple[str, ...], dimensions: int
) -> None:
    layer = DepthwiseSeparable(
        2,
        4,
        3,
        2,
        multiplier=2,
        dilation=2,
        groups=2,
        bias=True,
        between=between,
        after=after,
        dimensions=dimensions,  # type: ignore[arg-type]
    )
    draw_weights(layer)
    values = np.random.default_rng(0).normal(size=(2, *(5, 4, 3)[:dimensions]))
    wanted = step(layer.pointwise, step(layer.depthwise, values, between), after)
    np.testing.assert_allclose(ran(layer, values), wanted, atol=1e-10)


@pytest.mark.parametrize(
    ("between", "after", "depthwise", "pointwise"),
    [
        (("norm", "activation"), ("norm", "activation"), False, False),
        (("norm", "activation"), (), False, True),
        ((), ("norm",), False, False),
        ((), (), False, True),
        (("activation",), ("activation",), True, True),
    ],
)
def test_a_bias_stands_where_nothing_else_does_its_work(
    between: tuple[str, ...], after: tuple[str, ...], depthwise: bool, pointwise: bool
) -> None:
    layer = DepthwiseSeparable(2, 3, bias=True, between=between, after=after)  # type: ignore[arg-type]
    assert (layer.depthwise.conv.bias is not None, layer.pointwise.conv.bias is not None) == (depthwise, pointwise)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_it_costs_its_part_of_a_standard_convolution(dimensions: int) -> None:
    """1/C_out + 1/k: Howard et al. 2017, section 3.1."""
    size, taps, out = (4,) * dimensions, 3**dimensions, 10
    separable = DepthwiseSeparable(6, out, dimensions=dimensions).cost(size)
    standard = ConvNorm(6, out, dimensions=dimensions).cost(size)
    assert separable.macs == pytest.approx(standard.macs * (1 / out + 1 / taps))


def test_with_nothing_between_it_is_a_standard_layer_of_rank_m() -> None:
    """The whole as one standard layer: for each input channel a C_out×k matrix of rank m."""
    rank = 2
    layer = DepthwiseSeparable(3, 5, multiplier=rank, between=(), after=())
    draw_weights(layer)
    filters = layer.depthwise.conv.weight.detach().numpy().reshape(3, rank, 9)
    mixing = layer.pointwise.conv.weight.detach().numpy().reshape(5, 3, rank)
    whole = np.einsum("oir,irk->oik", mixing, filters)
    values = np.random.default_rng(0).normal(size=(3, 4, 4))
    wanted, _ = slow_convolution(slow_pad(values, [(1, 1)] * 2), whole.reshape(5, 3, 3, 3), (1, 1), (1, 1), 1)
    np.testing.assert_allclose(ran(layer, values), wanted, atol=1e-10)
    assert [np.linalg.matrix_rank(whole[:, channel]) for channel in range(3)] == [rank] * 3
