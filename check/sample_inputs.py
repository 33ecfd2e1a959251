"""Inputs to compare runtimes with: the user's, else photos, else drawn where no preparation is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..inputs.calibration import CalibrationData, Sample, calibration_data
from .model_facts import ModelFacts

__all__ = ["sample_inputs"]

_DRAWN = 16


def sample_inputs(data: Path | None, facts: ModelFacts, *, limit: int) -> CalibrationData:
    """At most `limit` samples. data: image folder, `.npz`, `.npy`, or None. Raises InputError as `calibration_data`.

    Drawn inputs serve to compare engines, and never to calibrate: a range found on noise fits no photo.
    """
    if data is not None or facts.preparation is not None:
        return calibration_data(data, facts.inputs, facts.preparation, limit=limit)

    def samples() -> Iterator[Sample]:
        generator = np.random.default_rng(0)
        for _ in range(min(limit, _DRAWN)):
            yield {name: generator.standard_normal(shape, np.float32) for name, shape in facts.inputs.items()}

    return CalibrationData("drawn from a normal distribution, seed 0", True, min(limit, _DRAWN), samples)
