"""Samples set aside: evenly, never all, never both seen and held back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sepia.inputs.calibration import CalibrationData
from sepia.quantize.held_back import split


def numbered(count: int) -> CalibrationData:
    return CalibrationData("numbers", False, count, lambda: ({"x": np.float32([[i]])} for i in range(count)))


def numbers(data: CalibrationData) -> list[int]:
    found = [int(sample["x"].item()) for sample in data]
    assert len(data) == len(found)
    return found


def test_every_fifth_from_the_middle_of_its_five() -> None:
    fit, held = split(numbered(20), 0.2)
    assert numbers(held) == [2, 7, 12, 17]
    assert sorted(numbers(fit) + numbers(held)) == list(range(20))


@pytest.mark.parametrize("count", [2, 3, 7, 48, 201])
@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.99])
def test_neither_part_is_empty_and_none_is_in_both(count: int, share: float) -> None:
    fit, held = split(numbered(count), share)
    assert numbers(fit) and numbers(held)
    assert sorted(numbers(fit) + numbers(held)) == list(range(count))
    assert abs(len(held) - count * share) <= 1


def test_views_of_a_photo_go_the_same_way_and_labels_with_their_samples() -> None:
    photo_of = tuple(index % 5 for index in range(20))
    data = replace(numbered(20), photo_of=photo_of, labels=tuple(range(100, 120)))
    fit, held = split(data, 0.4)
    assert numbers(held) == [index for index in range(20) if photo_of[index] in (1, 3)]
    assert sorted(numbers(fit) + numbers(held)) == list(range(20))
    for part in (fit, held):
        assert part.labels == tuple(100 + number for number in numbers(part))
        assert part.photo_of == tuple(number % 5 for number in numbers(part))
    # What was held back is split again by its own photos.
    assert [len(part) for part in split(held, 0.2)] == [4, 4]


def test_views_of_one_photo_are_all_seen() -> None:
    fit, held = split(replace(numbered(4), photo_of=(7,) * 4), 0.2)
    assert (numbers(fit), numbers(held)) == ([0, 1, 2, 3], [])


def test_one_sample_is_seen() -> None:
    fit, held = split(numbered(1), 0.2)
    assert (numbers(fit), numbers(held)) == ([0], [])
