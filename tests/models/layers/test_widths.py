"""Rounded numbers of channels."""

from __future__ import annotations

import pytest
from sepia.models.layers import make_divisible


@pytest.mark.parametrize(("channels", "expected"), [(4, 8), (16, 16), (18, 24), (20, 24), (22.5, 24), (168, 168)])
def test_make_divisible(channels: float, expected: int) -> None:
    assert make_divisible(channels) == expected


def test_make_divisible_never_falls_ten_percent() -> None:
    assert all(make_divisible(n) % 8 == 0 and make_divisible(n) >= 0.9 * n for n in range(1, 500))
