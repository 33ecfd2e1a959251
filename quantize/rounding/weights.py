"""Weights on an int8 grid: symmetric, one scale a channel, with an int32 accumulator that cannot overflow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..layer import Layer, RoundedLayer

__all__ = [
    "ACCUMULATOR_MOST",
    "accumulator_scale",
    "bias_codes",
    "code_limit",
    "fit_accumulator",
    "headroom",
    "raised_channels",
    "round_weights",
    "weight_scale",
]

ACCUMULATOR_MOST = 2**31 - 1
"""Largest magnitude of an int32 accumulator that is safe in both signs."""
_INPUT_MOST = 255
"""Largest magnitude of an 8-bit input code less its zero point."""
_BIAS_MOST = 2**30
"""Where the floor under the scales puts the largest bias: half of int32, the rest is for the products."""
_LEAST_RATIO = 2.0**-24
"""Floor of s_in · s_w / s_out. XNNPACK takes multipliers from 2^-32 on; below 2^-24 even a full sum of a thousand
products at their most moves the output by less than half a step."""


def code_limit(saturation_safe: bool) -> int:
    """Largest magnitude of a weight code.

    127, so that the grid is symmetric. 64 where sums of two u8 · s8 products must fit in int16 (vpmaddubsw, x86 without
    VNNI): 2 · 255 · 64 = 32 640 ≤ 32 767.
    """
    return 64 if saturation_safe else 127


def weight_scale(
    layer: Layer,
    scale_in: float,
    scale_out: float,
    *,
    limit: int = 127,
    ends: NDArray[np.float64] | None = None,
    per_tensor: bool = False,
) -> NDArray[np.float32]:
    """Scale of each output channel, [C_out]: end / limit, and never so small that the bias leaves int32.

    ends: of the channels' grids (`weight_ranges`), [C_out]; max |w| if not given. per_tensor: all get the largest.

    A channel without weights (or nearly so) would otherwise get a scale so small that its bias must be clipped: it
    puts out a constant, and the constant is its bias.
    """
    if ends is None:
        ends = np.abs(layer.weight).reshape(layer.channels_out, -1).max(axis=1).astype(np.float64)
    largest = ends / limit
    from_bias = np.abs(layer.bias).astype(np.float64) / (scale_in * _BIAS_MOST)
    from_output = _LEAST_RATIO * scale_out / scale_in
    scale: NDArray[np.float32] = np.maximum(np.maximum(largest, from_bias), from_output).astype(np.float32)
    return np.full_like(scale, scale.max()) if per_tensor else scale


def round_weights(layer: Layer, scale: NDArray[np.float32], *, limit: int = 127) -> RoundedLayer:
    """Nearest codes on the grid of `scale` [C_out], halves to even. The bias stays the float one."""
    codes = np.clip(np.rint(layer.weight / layer.per_channel(scale)), -limit, limit).astype(np.int8)
    return RoundedLayer(codes, scale, layer.bias)


def bias_codes(rounded: RoundedLayer, scale_in: float) -> NDArray[np.int32]:
    """Codes of the bias, [C_out], on the accumulator's grid: scale s_in · s_w, zero point 0."""
    exact = np.rint(rounded.bias.astype(np.float64) / accumulator_scale(rounded, scale_in).astype(np.float64))
    return np.clip(exact, -ACCUMULATOR_MOST, ACCUMULATOR_MOST).astype(np.int32)


def accumulator_scale(rounded: RoundedLayer, scale_in: float) -> NDArray[np.float32]:
    """s_in · s_w, [C_out], multiplied in float32 as runtimes do."""
    return np.float32(scale_in) * rounded.scale


def headroom(rounded: RoundedLayer, scale_in: float) -> NDArray[np.int64]:
    """What is left of int32 in the worst case, [C_out]: 2^31 − 1 − (255 · Σ|w| + |bias|). Safe where it is ≥ 0.

    The proof for a channel: an input code less its zero point is within ±255 whatever the zero point, so no partial
    sum, in any order, with the bias first or last, passes that magnitude.
    """
    products = np.abs(rounded.codes.astype(np.int64)).reshape(rounded.codes.shape[0], -1).sum(axis=1) * _INPUT_MOST
    exact_bias = np.abs(rounded.bias.astype(np.float64) / accumulator_scale(rounded, scale_in).astype(np.float64))
    left: NDArray[np.int64] = ACCUMULATOR_MOST - products - np.ceil(np.minimum(exact_bias, 2.0**62)).astype(np.int64)
    return left


def fit_accumulator(rounded: RoundedLayer, layer: Layer, scale_in: float, *, limit: int = 127) -> RoundedLayer:
    """The same where `headroom` is ≥ 0; channels where it is not get a scale doubled until it is.

    Their codes are rounded again from the layer's own weights, the bias stays as it is. One scale for the whole layer
    stays one.
    """
    whole = rounded.per_tensor
    while (short := headroom(rounded, scale_in) < 0).any():
        short |= whole
        scale = np.where(short, rounded.scale * np.float32(2.0), rounded.scale)
        again = round_weights(layer, scale, limit=limit)
        codes = np.where(layer.per_channel(short), again.codes, rounded.codes)
        rounded = RoundedLayer(codes, scale, rounded.bias)
    return rounded


def raised_channels(layer: Layer, rounded: RoundedLayer) -> NDArray[np.bool_]:
    """[C_out]: channels that leave most codes unused, because something else than their weights set the scale."""
    used: NDArray[np.bool_] = np.abs(rounded.codes.astype(np.int16)).reshape(layer.channels_out, -1).max(axis=1) < 32
    return used
