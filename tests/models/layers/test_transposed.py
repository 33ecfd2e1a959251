"""Transposed layers against loops that scatter, and against the gradient of the convolution they are named for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.errors import ModelError
from sepia.models.layers import Depthwise, DepthwiseTransposed, SeparableTransposed
from support.slow_layers import draw_weights, ran, slow_norm, slow_transposed


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    data=st.data(),
    dimensions=st.integers(1, 3),
    multiplier=st.integers(1, 2),
    padding=st.sampled_from(["centred", "same", "valid"]),
)
def test_it_is_its_loops(data: st.DataObject, dimensions: int, multiplier: int, padding: str) -> None:
    def each(least: int, most: int) -> tuple[int, ...]:
        return tuple(data.draw(st.integers(least, most)) for _ in range(dimensions))

    kernel, stride, dilation, size = each(1, 4), each(1, 3), each(1, 2), each(1, 3)
    layer = DepthwiseTransposed(
        2,
        kernel,
        stride,
        multiplier=multiplier,
        dilation=dilation,
        padding=padding,
        activation=None,
        dimensions=dimensions,  # type: ignore[arg-type]
    )
    draw_weights(layer)
    before, sizes = [], []
    for taps, step, spread, length in zip(kernel, stride, dilation, size, strict=True):
        excess = max(spread * (taps - 1) + 1 - step, 0)
        before.append({"valid": 0, "same": excess // 2, "centred": -(-excess // 2)}[padding])
        sizes.append((length - 1) * step + spread * (taps - 1) + 1 if padding == "valid" else length * step)
    values = np.random.default_rng(0).normal(size=(2, *size))
    weight = layer.conv.weight.detach().numpy()
    wanted, count = slow_transposed(values, weight, stride, dilation, before, sizes)
    assert layer.norm is not None
    np.testing.assert_allclose(ran(layer, values), slow_norm(wanted, layer.norm), atol=1e-10)
    assert layer.output_size(size) == tuple(sizes)
    assert layer.cost(size).macs == count


@pytest.mark.parametrize(("kernel", "stride"), [(2, 1), (4, 1), (3, 2), (5, 2), (4, 3)])
@pytest.mark.parametrize(("padding", "odd"), [("centred", 1), ("same", 0)])
def test_an_odd_rest_is_cut_in_front_or_behind(kernel: int, stride: int, padding: str, odd: int) -> None:
    """What one value puts down: the filter, less half of what is too much, the odd one on the side that is told."""
    layer = DepthwiseTransposed(1, kernel, stride, padding=padding, norm=False, activation=None, dimensions=1)  # type: ignore[arg-type]
    layer.conv.weight.data = torch.arange(1.0, kernel + 1).reshape(1, 1, kernel)
    front = (kernel - stride) // 2 + odd
    with torch.no_grad():
        assert layer(torch.ones(1, 1, 1))[0, 0].tolist() == [*range(front + 1, front + stride + 1)]


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_is_the_gradient_of_a_same_convolution(kernel: int, stride: int) -> None:
    """What TensorFlow's conv2d_transpose is by definition."""
    forward = Depthwise(2, kernel, stride, padding="same", norm=False, activation=None).double()
    back = DepthwiseTransposed(2, kernel, stride, padding="same", norm=False, activation=None).double()
    back.conv.weight.data = forward.conv.weight.data
    generator = torch.Generator().manual_seed(0)
    large = torch.randn(1, 2, 3 * stride, 4 * stride, dtype=torch.float64, generator=generator, requires_grad=True)
    small = torch.randn(1, 2, 3, 4, dtype=torch.float64, generator=generator)
    (gradient,) = torch.autograd.grad(forward(large), large, small)
    torch.testing.assert_close(back(small), gradient)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_separable_is_both_one_after_the_other(dimensions: int) -> None:
    layer = draw_weights(SeparableTransposed(2, 4, multiplier=2, groups=2, dimensions=dimensions))
    assert isinstance(layer, SeparableTransposed)
    values = np.random.default_rng(0).normal(size=(2, *(3, 2, 4)[:dimensions]))
    found = ran(layer, values)
    assert found.shape == (4, *(6, 4, 8)[:dimensions]) == (4, *layer.output_size(values.shape[1:]))
    np.testing.assert_allclose(found, ran(layer.pointwise, ran(layer.depthwise, values)))


def test_in_training_the_statistics_are_those_of_the_output() -> None:
    layer = DepthwiseTransposed(2, 4, 1, padding="same", activation=None, dimensions=1).train()
    values = torch.randn(4, 2, 5, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = layer(values)
    assert found.shape == (4, 2, 5)
    torch.testing.assert_close(found.mean((0, 2)), torch.zeros(2), atol=1e-6, rtol=0)


def test_an_unknown_padding_is_refused() -> None:
    with pytest.raises(ModelError, match="DepthwiseTransposed: padding is 'full'; accepted: centred, same, valid"):
        DepthwiseTransposed(2, padding="full")  # type: ignore[arg-type]
