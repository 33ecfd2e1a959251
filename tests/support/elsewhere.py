"""A machine that runs what was packed, as `bench.py --list` does: a runtime, and outputs changed on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sepia.check.packed import INPUTS, Packed
from sepia.runtime.interface import Runtime

__all__ = ["run_elsewhere"]

Arrays = dict[str, NDArray[Any]]


def run_elsewhere(
    packed: Packed, runtime: Runtime, destination: Path, spoil: Callable[[Arrays], Arrays] = lambda arrays: arrays
) -> Path:
    """Write `destination`: outputs of each sample, stacked along axis 0."""
    with np.load(packed.folder / INPUTS) as file:
        stacked: Mapping[str, NDArray[Any]] = {name: file[name] for name in file.files}
    with runtime.open(packed.folder / packed.model) as session:
        runs = [
            session.run({name: np.split(array, packed.samples)[at] for name, array in stacked.items()})
            for at in range(packed.samples)
        ]
    np.savez(destination, **spoil({name: np.concatenate([run[name] for run in runs]) for name in runs[0]}))
    return destination
