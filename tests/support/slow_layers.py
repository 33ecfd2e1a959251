"""Layers in plain loops over NumPy arrays, one sample at a time, and modules with drawn weights and statistics."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

__all__ = ["Array", "draw_weights", "ran", "slow_convolution", "slow_norm", "slow_pad", "slow_transposed"]

Array = NDArray[np.float64]

_NUMPY_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def draw_weights(module: nn.Module, seed: int = 0) -> nn.Module:
    """In double precision and evaluation mode; every weight, bias and statistic drawn, variances positive."""
    generator = torch.Generator().manual_seed(seed)
    module.double().eval()
    for name, values in [*module.named_parameters(), *module.named_buffers()]:
        if values.dtype.is_floating_point:
            drawn = torch.randn(values.shape, generator=generator, dtype=values.dtype)
            values.data = drawn.abs() + 0.5 if name.endswith("running_var") else drawn
    return module


def ran(module: nn.Module, values: Array) -> Array:
    """The module's output for one sample, [C, …] → [C, …]."""
    with torch.no_grad():
        result: Array = module(torch.from_numpy(values)[None])[0].numpy()
    return result


def slow_pad(values: Array, pads: Sequence[tuple[int, int]], mode: str = "zeros") -> Array:
    return np.pad(values, ((0, 0), *pads), mode=_NUMPY_MODES[mode])  # type: ignore[call-overload,no-any-return]


def slow_convolution(
    values: Array, weight: Array, stride: Sequence[int], dilation: Sequence[int], groups: int, bias: Array | None = None
) -> tuple[Array, int]:
    """values: [C_in, …], padded already; weight: [C_out, C_in/groups, …]. Also how many products it took."""
    out, per_group, *kernel = weight.shape
    sizes = [
        (length - spread * (taps - 1) - 1) // step + 1
        for length, taps, step, spread in zip(values.shape[1:], kernel, stride, dilation, strict=True)
    ]
    result = np.zeros((out, *sizes))
    count = 0
    for channel in range(out):
        first = channel // (out // groups) * per_group
        for place in product(*map(range, sizes)):
            for read in range(per_group):
                for tap in product(*map(range, kernel)):
                    at = tuple(p * s + t * d for p, s, t, d in zip(place, stride, tap, dilation, strict=True))
                    result[(channel, *place)] += weight[(channel, read, *tap)] * values[(first + read, *at)]
                    count += 1
            if bias is not None:
                result[(channel, *place)] += bias[channel]
    return result, count


def slow_transposed(
    values: Array,
    weight: Array,
    stride: Sequence[int],
    dilation: Sequence[int],
    before: Sequence[int],
    sizes: Sequence[int],
) -> tuple[Array, int]:
    """Depthwise: what input position n puts at n·stride + tap·dilation − before, where that is in the output.

    values: [C, …]; weight: [C, m, …]; before: cut off in front; sizes: the output's. Also how many products there are.
    """
    channels, multiplier, *kernel = weight.shape
    result = np.zeros((channels * multiplier, *sizes))
    count = 0
    for channel, filter_index in product(range(channels), range(multiplier)):
        for place in product(*map(range, values.shape[1:])):
            for tap in product(*map(range, kernel)):
                count += 1
                at = tuple(
                    p * s + t * d - b for p, s, t, d, b in zip(place, stride, tap, dilation, before, strict=True)
                )
                if all(0 <= a < size for a, size in zip(at, sizes, strict=True)):
                    share = weight[(channel, filter_index, *tap)] * values[(channel, *place)]
                    result[(channel * multiplier + filter_index, *at)] += share
    return result, count


def slow_norm(values: Array, norm: nn.Module) -> Array:
    """(x − mean) / √(variance + eps) · scale + shift, channel by channel."""
    result = np.empty_like(values)
    for channel in range(len(values)):
        mean, variance = norm.running_mean[channel].item(), norm.running_var[channel].item()
        scale, shift = norm.weight[channel].item(), norm.bias[channel].item()
        result[channel] = (values[channel] - mean) / np.sqrt(variance + norm.eps) * scale + shift
    return result
