"""A layer by channel: ranges of weights and values, codes that are used, channels that are dead, the worst ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...graph.quantization import QuantParams
from .along_depth import Seen, decibel
from .explanation import ActivationFacts, Channel, WeightFacts
from .sources import Grid, Weights

__all__ = ["WeightChannels", "activation_facts", "by_channel", "dead_channels", "weight_facts", "worst_channels"]

_WORST = 3


@dataclass(frozen=True)
class WeightChannels:
    """Weights by output channel, [C_out] each; of one channel where there is no such axis.

    low, high: ends of the float weights. reach: max |w|. scale: of the grid. codes: largest magnitude of a code less
    the zero point. signal, noise: Σ w² and Σ (w − rounded)².
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    reach: NDArray[np.float64]
    scale: NDArray[np.float64]
    codes: NDArray[np.int64]
    signal: NDArray[np.float64]
    noise: NDArray[np.float64]

    @classmethod
    def of(cls, weights: Weights) -> WeightChannels:
        floats = _rows(weights.floats.astype(np.float64), weights.axis)
        params = weights.grid
        rounded = _rows(params.dequantize(weights.codes).astype(np.float64), weights.axis)
        offsets = _rows(_offsets(weights), weights.axis)
        scale = params.scale.astype(np.float64)
        return cls(
            low=floats.min(axis=1),
            high=floats.max(axis=1),
            reach=np.abs(floats).max(axis=1),
            scale=scale if scale.size == len(floats) else np.full(len(floats), scale.max()),
            codes=np.abs(offsets).max(axis=1),
            signal=np.square(floats).sum(axis=1),
            noise=np.square(floats - rounded).sum(axis=1),
        )


def weight_facts(weights: Weights, channels: WeightChannels) -> WeightFacts:
    """Facts of a whole weight. A channel of nothing but zeros is neither the widest nor the narrowest."""
    alive = np.flatnonzero(channels.reach > 0)
    widest = int(alive[np.argmax(channels.reach[alive])]) if alive.size else None
    narrowest = int(alive[np.argmin(channels.reach[alive])]) if alive.size else None
    ratio = codes = None
    if widest is not None and narrowest is not None:
        ratio = float(channels.reach[widest] / channels.reach[narrowest])
        codes = int(channels.codes[narrowest])
    return WeightFacts(
        # Scales that are all alike are one scale, written often.
        per_channel=bool(np.unique(weights.grid.scale).size > 1),
        sqnr_db=decibel(float(channels.signal.sum()), float(channels.noise.sum())),
        low=float(channels.low.min()),
        high=float(channels.high.max()),
        widest=widest,
        narrowest=narrowest,
        ratio=ratio,
        codes_used=codes,
    )


def activation_facts(grid: Grid, seen: Seen) -> ActivationFacts:
    """Facts of one activation's grid. Of one with a scale a channel no codes are counted."""
    params = grid.params
    ends = params.dequantize(np.array(params.code_range)) if not params.per_channel else _outermost(params)
    values = max(int(seen.codes.sum()), 1)
    return ActivationFacts(
        scale=float(params.scale.max()),
        zero_point=int(params.zero_point[0]),
        low=float(ends.min()),
        high=float(ends.max()),
        seen_low=float(seen.low.min()),
        seen_high=float(seen.high.max()),
        clipped_low=seen.below / values,
        clipped_high=seen.above / values,
        codes=int(seen.codes.size),
        unused=int((seen.codes == 0).sum()),
    )


def dead_channels(seen: Seen) -> tuple[int, ...]:
    """Channels whose value in the float network is the same for all samples and at all positions."""
    return tuple(int(c) for c in np.flatnonzero(seen.low == seen.high)) if seen.count > 1 else ()


def worst_channels(seen: Seen, weights: WeightChannels | None) -> tuple[Channel, ...]:
    """Up to three channels of the lowest SQNR of the layer alone, dead ones and exact ones apart."""
    usable = (seen.alone > 0) & (seen.signal > 0) & (seen.low < seen.high)
    with np.errstate(divide="ignore", invalid="ignore"):
        order = np.argsort(np.where(usable, seen.signal / seen.alone, np.inf), kind="stable")
    chosen = [int(c) for c in order[:_WORST] if usable[c]]
    return tuple(_channel(c, seen, weights if _fits(seen, weights) else None) for c in chosen)


def by_channel(seen: Seen, weights: WeightChannels | None) -> Mapping[str, tuple[float | None, ...]]:
    """What the pictures are drawn from, rounded to four digits."""
    found: dict[str, tuple[float | None, ...]] = {
        "low": _short(seen.low),
        "high": _short(seen.high),
        "sqnr_db": tuple(_digits(decibel(s, n)) for s, n in zip(seen.signal, seen.alone, strict=True)),
    }
    if weights is not None and _fits(seen, weights):
        found |= {
            "weight_low": _short(weights.low),
            "weight_high": _short(weights.high),
            "grid_end": _short(weights.scale * weights.codes),
            "scale": _short(weights.scale),
        }
    return found


def _fits(seen: Seen, weights: WeightChannels | None) -> bool:
    return weights is not None and len(weights.reach) == len(seen.signal)


def _channel(c: int, seen: Seen, weights: WeightChannels | None) -> Channel:
    widest = float(weights.reach.max()) if weights is not None else 0.0
    return Channel(
        channel=c,
        sqnr_db=decibel(float(seen.signal[c]), float(seen.alone[c])),
        weight_low=None if weights is None else float(weights.low[c]),
        weight_high=None if weights is None else float(weights.high[c]),
        scale=None if weights is None else float(weights.scale[c]),
        ratio=None if weights is None or widest == 0 else float(weights.reach[c]) / widest,
        codes_used=None if weights is None else int(weights.codes[c]),
        low=float(seen.low[c]),
        high=float(seen.high[c]),
    )


def _offsets(weights: Weights) -> NDArray[np.int64]:
    """Codes less their zero point, in the layout of the file."""
    params = weights.grid
    zero = params.zero_point
    if params.axis is not None:
        shape = [1] * weights.codes.ndim
        shape[params.axis] = -1
        zero = zero.reshape(shape)
    else:
        zero = zero.reshape(())
    found: NDArray[np.int64] = weights.codes.astype(np.int64) - zero
    return found


def _rows(array: NDArray[Any], axis: int | None) -> NDArray[Any]:
    """[C_out, rest]."""
    if axis is None:
        return array.reshape(1, -1)
    moved = np.moveaxis(array, axis, 0)
    return moved.reshape(moved.shape[0], -1)


def _outermost(params: QuantParams) -> NDArray[np.float64]:
    least, most = params.code_range
    ends: NDArray[np.float64] = np.concatenate(
        [(end - params.zero_point) * params.scale.astype(np.float64) for end in (least, most)]
    )
    return ends


def _short(values: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(_digits(float(value)) for value in values)


def _digits(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
