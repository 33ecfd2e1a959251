"""Samples that no learning technique sees, to tell whether it has learned more than those that it saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..inputs.calibration import CalibrationData, Sample

__all__ = ["split"]


def split(data: CalibrationData, share: float) -> tuple[CalibrationData, CalibrationData]:
    """(to fit to, held back): `share` of the samples is held back, evenly over all, because sorted names often mean
    sorted classes. Data of one sample cannot be split: nothing is held back.
    """
    most = max(len(data) - 1, 0)
    count = min(max(round(len(data) * share), 1), most)
    apart = {(2 * index + 1) * len(data) // (2 * count) for index in range(count)}
    return _part(data, set(range(len(data))) - apart), _part(data, apart)


def _part(data: CalibrationData, chosen: set[int]) -> CalibrationData:
    def samples() -> Iterator[Sample]:
        yield from (sample for index, sample in enumerate(data) if index in chosen)

    return replace(data, count=len(chosen), samples=samples)
