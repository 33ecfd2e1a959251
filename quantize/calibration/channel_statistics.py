"""What each channel of a tensor does over the calibration data: ends, mean and standard deviation, in one pass."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...errors import QuantizeError
from .ahead import ahead
from .calibrate import Samples, Tick
from .engine import Engine

__all__ = ["ChannelStatistics", "channel_statistics"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ChannelStatistics:
    """minimum, maximum, mean, std: [C] each, over samples and positions."""

    minimum: Floats
    maximum: Floats
    mean: Floats
    std: Floats

    def reach(self, margin: float) -> tuple[Floats, Floats]:
        """Ends that values not seen are taken to keep inside, [C] each: `margin` times as far from the mean as what was
        seen. margin: ≥ 1; 1 is what was seen.
        """
        return self.mean + margin * (self.minimum - self.mean), self.mean + margin * (self.maximum - self.mean)

    @property
    def largest(self) -> Floats:
        """Greatest magnitude seen, [C]."""
        largest: Floats = np.maximum(np.abs(self.minimum), np.abs(self.maximum))
        return largest


class _Sums:
    """Of one tensor [N, C, …]: sums of a sample in float32, pair by pair, of all samples in float64.

    Taken from the first sample's means on, so that a small spread about a large mean is not lost.
    """

    def __init__(self, channels: int) -> None:
        self.minimum = np.full(channels, np.inf)
        self.maximum = np.full(channels, -np.inf)
        self.centre: NDArray[np.float32] | None = None
        self.total = np.zeros(channels)
        self.square = np.zeros(channels)
        self.count = 0

    def add(self, values: NDArray[Any]) -> None:
        for one in values.reshape(*values.shape[:2], -1):
            self.minimum = np.minimum(self.minimum, one.min(axis=1))
            self.maximum = np.maximum(self.maximum, one.max(axis=1))
            if self.centre is None:
                self.centre = one.mean(axis=1, keepdims=True)
            away = one - self.centre
            self.total += away.sum(axis=1)
            self.square += np.square(away, out=away).sum(axis=1)
            self.count += one.shape[1]

    def statistics(self) -> ChannelStatistics:
        mean = self.total / self.count
        variance = np.maximum(self.square / self.count - np.square(mean), 0.0)
        centre = np.zeros(len(mean)) if self.centre is None else self.centre[:, 0].astype(np.float64)
        return ChannelStatistics(self.minimum, self.maximum, centre + mean, np.sqrt(variance))


def channel_statistics(
    model: ir.Model, values: Sequence[str], data: Samples, *, where: str, tick: Tick = lambda: None
) -> dict[str, ChannelStatistics]:
    """Run the float `model` over `data` and watch the `values` named, [N, C, …] each.

    Memory: 4 numbers a channel. Raises QuantizeError for no samples, and for NaN or infinite values.
    """
    sums: dict[str, _Sums] = {}
    engine, samples = Engine(model, list(values), where=where), 0
    with closing(_values(engine, data)) as stream:
        for found in stream:
            for name in values:
                sums.setdefault(name, _Sums(found[name].shape[1])).add(found[name])
            samples += 1
            tick()
    if not samples:
        raise QuantizeError(where, "the calibration data has no samples", accepted="one sample or more")
    for name, one in sums.items():
        if not (np.isfinite(one.minimum) & np.isfinite(one.maximum)).all():
            raise QuantizeError(where, f"tensor '{name}' is NaN or infinite", accepted="finite activations")
    return {name: one.statistics() for name, one in sums.items()}


def _values(engine: Engine, data: Samples) -> Generator[dict[str, NDArray[Any]], None, None]:
    yield from ahead(engine.run(sample) for sample in ahead(data))
