"""Samples and the float network's outputs for them, on disk: gone through hundreds of times, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Kept"]

Arrays = Mapping[str, NDArray[Any]]


@dataclass
class Kept:
    """In `folder`, which belongs to the caller. inputs, outputs: their names."""

    folder: Path
    inputs: Sequence[str]
    outputs: Sequence[str]
    count: int = field(default=0, init=False)

    def add(self, sample: Arrays, outputs: Arrays) -> None:
        for kind, names, arrays in (("in", self.inputs, sample), ("out", self.outputs, outputs)):
            for index, name in enumerate(names):
                np.save(self._path(kind, self.count, index), arrays[name])
        self.count += 1

    def __iter__(self) -> Iterator[dict[str, NDArray[Any]]]:
        """The samples."""
        for number in range(self.count):
            yield {name: np.load(self._path("in", number, index)) for index, name in enumerate(self.inputs)}

    def both(self) -> Iterator[tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]]:
        """(sample, the float network's outputs)."""
        for number, sample in enumerate(self):
            yield sample, {name: np.load(self._path("out", number, index)) for index, name in enumerate(self.outputs)}

    def _path(self, kind: str, number: int, index: int) -> Path:
        return self.folder / f"{kind}-{number}-{index}.npy"
