"""Convolutions in plain loops, of drawn shapes: what separated ones are compared with."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from sepia.models.separate.convolution import Convolution, output_size
from sepia.models.separate.factored import Factored
from sepia.models.separate.fit import Data
from sepia.models.separate.moments import Moments

__all__ = ["convolutions", "data_of", "made", "run", "run_factored", "seen"]

Array = NDArray[np.float64]


@st.composite
def convolutions(draw: st.DrawFn, *, dimensions: tuple[int, ...] = (1, 2, 3), kernels: int = 3) -> Convolution:
    """Few channels, kernels of 1 to `kernels`, and whatever strides, pads and dilations fit."""
    count = draw(st.sampled_from(dimensions))
    kernel = tuple(draw(st.integers(1, kernels)) for _ in range(count))
    strides = tuple(draw(st.integers(1, 2)) for _ in range(count))
    dilations = tuple(draw(st.integers(1, 2)) for _ in range(count))
    pads = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(count))
    size = tuple(draw(st.integers(5, 7)) for _ in range(count))
    channels_in, channels_out = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    return made(
        (channels_out, channels_in, *kernel),
        size,
        strides=strides,
        pads=pads,
        dilations=dilations,
        bias=draw(st.booleans()),
        seed=draw(st.integers(0, 2**16)),
    )


def made(
    shape: tuple[int, ...],
    size: tuple[int, ...],
    *,
    strides: tuple[int, ...] = (),
    pads: tuple[tuple[int, int], ...] = (),
    dilations: tuple[int, ...] = (),
    bias: bool = True,
    seed: int = 0,
) -> Convolution:
    """Weights [C_out, C_in, *kernel] drawn from `seed`; strides and dilations 1 and half the kernel of zeros around
    where nothing else is said.
    """
    rng = np.random.default_rng(seed)
    kernel = shape[2:]
    strides, dilations = strides or (1,) * len(kernel), dilations or (1,) * len(kernel)
    pads = pads or tuple((k // 2, k // 2) for k in kernel)
    weight = rng.normal(size=shape).astype(np.float32)
    biases = rng.normal(size=shape[0]).astype(np.float32) if bias else None
    sizes = tuple(map(output_size, size, kernel, strides, pads, dilations))
    return Convolution("layer", weight, biases, strides, pads, dilations, size, sizes)


def seen(convolution: Convolution, samples: int = 6, seed: int = 0) -> NDArray[np.float32]:
    """Inputs [N, C_in, *size] like those of a network: positive, and neighbours alike, channels too."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(samples, convolution.channels_in, *convolution.size_in))
    mixed = np.tensordot(rng.normal(size=(convolution.channels_in,) * 2), values, (1, 1)).swapaxes(0, 1)
    for axis in range(2, values.ndim):
        mixed = mixed + np.roll(mixed, 1, axis) + np.roll(mixed, 2, axis)
    return np.maximum(mixed, 0).astype(np.float32)


def data_of(convolution: Convolution, values: NDArray[np.float32]) -> Data:
    moments = Moments(convolution)
    moments.add(values)
    return Data.of(moments)


def run(convolution: Convolution, values: NDArray[np.float32]) -> Array:
    """[N, C_out, *size_out]."""
    out = _run(
        values.astype(np.float64), convolution.weight, convolution.strides, convolution.pads, convolution.dilations, 1
    )
    return _biased(out, convolution.bias)


def run_factored(factored: Factored, values: NDArray[np.float32]) -> Array:
    """Stage by stage, branch by branch."""
    total = None
    for branch in factored.branches:
        out = values.astype(np.float64)
        for one in branch:
            out = np.concatenate([out] * one.repeat, axis=1)
            out = _run(out, one.weight, one.strides, one.pads, one.dilations, one.groups)
            assert out.shape[2:] == one.size_out
        total = out if total is None else total + out
    return _biased(total, factored.bias)


def _biased(out: Array, bias: NDArray[np.float32] | None) -> Array:
    return out if bias is None else out + bias.reshape(-1, *[1] * (out.ndim - 2))


def _run(
    values: Array,
    weight: NDArray[np.float32],
    strides: tuple[int, ...],
    pads: tuple[tuple[int, int], ...],
    dilations: tuple[int, ...],
    groups: int,
) -> Array:
    outputs, per_group, *kernel = weight.shape
    padded = np.pad(values, ((0, 0), (0, 0), *pads))
    size = tuple(map(output_size, values.shape[2:], kernel, strides, pads, dilations))
    result = np.zeros((len(values), outputs, *size))
    for o in range(outputs):
        first = o // (outputs // groups) * per_group
        for place in product(*map(range, size)):
            for tap in product(*map(range, kernel)):
                at = tuple(p * s + t * d for p, s, t, d in zip(place, strides, tap, dilations, strict=True))
                window = padded[(slice(None), slice(first, first + per_group), *at)]
                result[(slice(None), o, *place)] += window @ weight[(o, slice(None), *tap)].astype(np.float64)
    return result
