"""Layers of drawn shapes, and what they put out, one product at a time."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from sepia.graph.kinds import Kind
from sepia.quantize.layer import Layer

__all__ = ["drawn_layers", "slow_output"]


def slow_output(layer: Layer, x: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Outputs [C_out, *size] of one sample [C_in, *size], one product at a time."""
    out = np.zeros((layer.channels_out, *layer.output_size))
    per_group_out, per_group_in = layer.channels_out // layer.group, x.shape[0] // layer.group
    transposed = layer.kind is Kind.TRANSPOSED
    positions = list(product(*map(range, x.shape[1:] if transposed else layer.output_size)))
    for channel, source in product(range(layer.channels_out), range(per_group_in)):
        values = x[(channel // per_group_out) * per_group_in + source]
        for tap in product(*map(range, layer.kernel)):
            for here in positions:
                there = tuple(
                    h * s + t * d - p[0]
                    for h, s, t, d, p in zip(here, layer.strides, tap, layer.dilations, layer.pads, strict=True)
                )
                limit = layer.output_size if transposed else x.shape[1:]
                if all(0 <= t < most for t, most in zip(there, limit, strict=True)):
                    at_out, at_in = (there, here) if transposed else (here, there)
                    out[(channel, *at_out)] += weight[(channel, source, *tap)] * values[at_in]
    return out


@st.composite
def drawn_layers(draw: st.DrawFn, dimensions: int, *, transposed: bool = False) -> tuple[Layer, NDArray[np.float32]]:
    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(dimensions))

    kernel, strides, dilations = each(1, 4), each(1, 3), each(1, 2)
    pads = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(dimensions))
    size = tuple(
        max(draw(st.integers(1, 7)), (k - 1) * d + 1 - sum(p)) for k, d, p in zip(kernel, dilations, pads, strict=True)
    )
    if transposed:
        output = tuple(
            max(1, (i - 1) * s + (k - 1) * d + 1 - sum(p))
            for i, k, s, d, p in zip(size, kernel, strides, dilations, pads, strict=True)
        )
    else:
        output = tuple(
            (i + sum(p) - (k - 1) * d - 1) // s + 1
            for i, k, s, d, p in zip(size, kernel, strides, dilations, pads, strict=True)
        )
    group = 1 if transposed else draw(st.sampled_from([1, 2]))
    channels_in = group * draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    weight = rng.normal(0, 1, (2 * group, channels_in // group, *kernel)).astype(np.float32)
    kind = Kind.TRANSPOSED if transposed else Kind.STANDARD
    layer = Layer(
        "layer", kind, "x", "y", weight, np.zeros(2 * group, np.float32), group, strides, dilations, pads, output
    )
    return layer, rng.normal(0, 1, (3, channels_in, *size)).astype(np.float32)
