"""Range by min-max: everything that calibration saw fits, nothing is clipped."""

from __future__ import annotations

from ..calibration.observed import Observed

__all__ = ["min_max_range"]


def min_max_range(observed: Observed) -> tuple[float, float]:
    """The least and the greatest value seen, exact."""
    return observed.minimum, observed.maximum
