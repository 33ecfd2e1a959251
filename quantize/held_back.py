"""Samples that no learning technique sees, to tell whether it has learned more than those that it saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..inputs.calibration import CalibrationData, Sample

__all__ = ["split"]


def split(data: CalibrationData, share: float) -> tuple[CalibrationData, CalibrationData]:
    """(to fit to, held back): `share` of the samples is held back, evenly over all, because sorted names often mean
    sorted classes. All views of a photo go the same way: a view of one that was seen tells nothing. Data of one photo
    cannot be split: nothing is held back.
    """
    photo_of = data.photo_of or tuple(range(len(data)))
    photos = sorted(set(photo_of))
    most = max(len(photos) - 1, 0)
    count = min(max(round(len(photos) * share), 1), most)
    apart = {photos[(2 * index + 1) * len(photos) // (2 * count)] for index in range(count)}
    held = {index for index, photo in enumerate(photo_of) if photo in apart}
    return _part(data, set(range(len(data))) - held), _part(data, held)


def _part(data: CalibrationData, chosen: set[int]) -> CalibrationData:
    def samples() -> Iterator[Sample]:
        yield from (sample for index, sample in enumerate(data) if index in chosen)

    def of(told: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(one for index, one in enumerate(told) if index in chosen)

    return replace(data, count=len(chosen), samples=samples, photo_of=of(data.photo_of), labels=of(data.labels))
