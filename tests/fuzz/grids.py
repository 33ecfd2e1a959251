"""Drawn grids: scales and zero points of activations, codes and scales of weights, the ordinary and the extreme."""

from __future__ import annotations

import numpy as np

from .draft import Draft, Grid, Value
from .interval import Array

__all__ = ["KEEPS", "fitted", "held", "weight"]

KEEPS = frozenset(
    (
        "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Gather", "Concat", "MaxPool",
        "GlobalMaxPool", "ReduceMax", "Pad", "Identity", "Resize", "AveragePool", "Max", "Min",
    )
)  # fmt: skip
"""Ops whose results a quantiser puts on the grid of what they read."""
_SPANS = (1.0, 1.0, 1.0, 0.4, 2.5, 40.0, 0.02)
"""Widths of grids, in ranges of what they hold: most fit, some clip, some are coarse."""


def fitted(draft: Draft, sample: Array) -> Grid:
    """A grid drawn for what it is to hold. Scales are no round numbers, whose quotients would tie all the time."""
    low, high = min(float(sample.min()), 0.0), max(float(sample.max()), 0.0)
    span = max(high - low, 1e-3) * draft.pick(_SPANS)
    scale = float(np.float32(span / 255 * (1 + draft.rng.uniform(0.0, 0.1))))
    least, greatest = (0, 255) if draft.dtype == "uint8" else (-128, 127)
    fit = int(np.clip(np.rint(least - low / scale), least, greatest))
    zero_point = draft.pick((fit, fit, fit, least, greatest, (least + greatest + 1) // 2))
    return Grid(scale, zero_point)


def held(draft: Draft, value: Value, op: str, source: Value | None = None) -> Value:
    """`value` as the rest of the graph reads it: under a pair in a graph of codes, mostly; as it is in a float one."""
    if draft.dtype is None or draft.chance(8):
        return value
    shift = 128 if draft.dtype == "uint8" else 0
    if op in ("Sigmoid", "Softmax", "HardSigmoid") and not draft.chance(25):
        return draft.paired(value, Grid(1 / 256, -128 + shift))
    if op == "Tanh" and not draft.chance(25):
        return draft.paired(value, Grid(1 / 128, shift))
    if op in KEEPS and source is not None and source.grid is not None and not draft.chance(25):
        return draft.paired(value, source.grid)
    return draft.paired(value, fitted(draft, value.sample))


def weight(
    draft: Draft, shape: tuple[int, ...], axis: int, bias: int | None, source: Value, op: str = ""
) -> tuple[str, str | None]:
    """Names of weights of this shape and of a bias of this length (None: no bias).

    In a graph of codes, where `source` is one of codes: int8 codes, a scale a channel of `axis` or one for all, bias
    int32 on the grid of the sums. Channels of zeros, scales far apart and, now and then, asymmetric uint8 weights and
    float biases are drawn too.
    """
    fan_in = max(int(np.prod(shape)) // max(shape[axis], 1), 1)
    real = draft.rng.normal(0, 1 / np.sqrt(fan_in), shape)
    if draft.chance(15):
        real[(slice(None),) * axis + (draft.between(0, shape[axis] - 1),)] = 0
    biases = None if bias is None else draft.rng.normal(0, 0.3, bias)
    if draft.dtype is None or source.grid is None or draft.chance(3):
        name = draft.constant(real.astype(np.float32), "w")
        return name, None if biases is None else draft.constant(biases.astype(np.float32), "b")
    channels = bias if op == "ConvTranspose" and bias is not None else shape[axis]
    scales, codes, zero, per_channel = _coded(draft, real, axis)
    # Scales of a transposed convolution's groups repeat.
    spread = np.tile(scales, channels // scales.size) if per_channel else scales
    made = draft.coded_constant(codes, scales if per_channel else scales[0], zero, "w", axis if per_channel else None)
    if biases is None:
        return made.name, None
    if draft.chance(10):
        return made.name, draft.constant(biases.astype(np.float32), "b")
    steps = (np.float32(source.grid.scale) * spread).astype(np.float32)
    whole = np.clip(np.rint(biases / steps), -(2**30), 2**30).astype(np.int32)
    many = per_channel and bias == steps.size
    zeros = np.zeros(steps.shape if many else (), np.int32)
    biased = draft.coded_constant(whole, steps if many else steps[0], zeros, "b", 0 if many else None)
    return made.name, biased.name


def _coded(draft: Draft, real: Array, axis: int) -> tuple[Array, Array, Array, bool]:
    """Scales, codes, zero points; and whether there is one a channel."""
    others = tuple(i for i in range(real.ndim) if i != axis)
    per_channel = not draft.chance(30)
    top = np.abs(real).max(axis=others) if per_channel else np.abs(real).max(keepdims=True).reshape(1)
    scales = np.maximum(top / 127, 1e-6)
    if draft.chance(15):
        scales = scales * 10.0 ** draft.rng.uniform(-3, 1.5, scales.shape)
    scales = scales.astype(np.float32)
    shape = [1] * real.ndim
    if per_channel:
        shape[axis] = -1
    codes = np.clip(np.rint(real / scales.reshape(shape)), -127, 127)
    if draft.chance(5):
        point = draft.between(100, 156)
        zero = np.full(scales.shape if per_channel else (), point, np.uint8)
        return scales, np.clip(codes + point, 0, 255).astype(np.uint8), zero, per_channel
    return scales, codes.astype(np.int8), np.zeros(scales.shape if per_channel else (), np.int8), per_channel
