"""How many channels a scaled layer has."""

from __future__ import annotations

__all__ = ["make_divisible"]


def make_divisible(channels: float, divisor: int = 8) -> int:
    """Nearest multiple of `divisor`, at least one, and never more than 10 % below: Sandler et al.'s rounding."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded
