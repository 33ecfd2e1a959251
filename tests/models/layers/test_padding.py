"""SAME padding is what TensorFlow's documentation says; pads and sizes are those of torch's convolutions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.errors import ModelError
from sepia.models.layers import ConvNorm, Depthwise, pad_same
from sepia.models.layers.padding import same_pads
from torch import nn


def documented(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """`tf.nn`, "Notes on padding": two cases, where ours is one formula."""
    filtered = kernel - stride if size % stride == 0 else kernel - size % stride
    along = max(filtered, 0)
    before = along // 2
    return before, along - before


@settings(max_examples=300, deadline=None, derandomize=True)
@given(size=st.integers(1, 20), kernel=st.integers(1, 7), stride=st.integers(1, 5), dilation=st.integers(1, 3))
def test_same_is_tensorflows(size: int, kernel: int, stride: int, dilation: int) -> None:
    ((before, after),) = same_pads((size,), (kernel,), (stride,), (dilation,))
    assert (before, after) == documented(size, (kernel - 1) * dilation + 1, stride)
    layer = Depthwise(1, kernel, stride, dilation=dilation, padding="same", dimensions=1).eval()
    assert layer.output_size((size,)) == (-(-size // stride),)
    with torch.no_grad():
        assert layer(torch.zeros(1, 1, size)).shape[2] == -(-size // stride)


@pytest.mark.parametrize("size", [7, 8, 9, 10])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (5, 2), (3, 3), (2, 2), (2, 1)])
def test_pad_same_puts_zeros_around_both_dimensions(size: int, kernel: int, stride: int) -> None:
    conv = nn.Conv2d(1, 1, (kernel, 3), (stride, 2))
    expected = np.pad(np.ones((size, 6)), (documented(size, kernel, stride), documented(6, 3, 2)))
    padded = pad_same(torch.ones(1, 1, size, 6), conv)
    np.testing.assert_array_equal(padded[0, 0].numpy(), expected)
    assert conv(padded).shape[2:] == (-(-size // stride), 3)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [2, 3, 4])
def test_same_in_another_mode_has_the_same_size(kernel: int, stride: int) -> None:
    layer = ConvNorm(1, 1, kernel, stride, padding="same", padding_mode="replicate", norm=False, activation=None).eval()
    nn.init.ones_(layer.conv.weight)
    with torch.no_grad():
        found = layer(torch.ones(1, 1, 7, 7))
    # Of ones with ones around, each output is the sum of the weights; zeros would show at the border.
    assert found.shape[2:] == (-(-7 // stride),) * 2
    assert torch.equal(found, torch.full_like(found, kernel**2))


@pytest.mark.parametrize(("mode", "most"), [("reflect", 3), ("circular", 4)])
def test_a_border_deeper_than_the_input_is_refused(mode: str, most: int) -> None:
    def layer(padding: int) -> ConvNorm:
        return ConvNorm(1, 1, 3, padding=(0, padding), padding_mode=mode).eval()  # type: ignore[arg-type]

    with torch.no_grad():
        assert layer(most)(torch.zeros(1, 1, 6, 4)).shape[3] == 4 + 2 * most - 2
    with pytest.raises(ModelError, match=rf"ConvNorm: {mode} padding of {most + 1} on an input of length 4"):
        layer(most + 1)(torch.zeros(1, 1, 6, 4))
    with pytest.raises(ModelError, match=r"spatial dimension 1\); accepted: .*; next: use 'zeros' or 'replicate'"):
        layer(most + 1).cost((6, 4))


def test_a_kernel_that_does_not_fit_is_refused() -> None:
    layer = ConvNorm(1, 1, 3, dilation=2, padding="valid")
    with pytest.raises(ModelError, match="ConvNorm: its kernel spans 5, the input 4 with its padding"):
        layer(torch.zeros(1, 1, 6, 4))
