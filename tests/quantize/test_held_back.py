"""Samples set aside: evenly, never all, never both seen and held back."""

from __future__ import annotations

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


def test_one_sample_is_seen() -> None:
    fit, held = split(numbered(1), 0.2)
    assert (numbers(fit), numbers(held)) == ([0], [])
