"""Every file in every runtime that is to measure it, all open at once and given the same samples one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, RunError, RuntimeUnavailable
from ..runtime.interface import Placement, Runtime
from .network import Network, NetworkFile, reads

__all__ = ["REFERENCE", "Cell", "Logits", "Sample", "SideBySide", "cells_of", "find", "float_reference"]

REFERENCE = "onnxruntime"
"""The runtime whose float outputs all others are measured against."""

Sample = Mapping[str, NDArray[np.float32]]
Logits = tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class Cell:
    """One file in one runtime."""

    runtime: Runtime
    file: NetworkFile


def cells_of(files: Sequence[NetworkFile], runtimes: Sequence[str], known: Mapping[str, Runtime]) -> tuple[Cell, ...]:
    """Each file with each of `runtimes` whose preferred format it is, file by file."""
    return tuple(Cell(known[name], file) for file in files for name in runtimes if reads(known[name], file))


def find(files: Sequence[NetworkFile], format_: str, precision: str) -> NetworkFile | None:
    """The first of `files` with this format and precision."""
    return next((file for file in files if (file.format, file.precision) == (format_, precision)), None)


def float_reference(files: Sequence[NetworkFile], known: Mapping[str, Runtime]) -> Cell | None:
    """The float ONNX file in ONNX Runtime, None if it is not among `files`."""
    file = find(files, "onnx", "float")
    return None if file is None else Cell(known[REFERENCE], file)


class SideBySide:
    """Open cells. One that can't be opened or run is kept in `failures` with its reason, and the others go on.

    reference: opened too, and run first on each sample; its failure is raised. Use as a context manager.
    """

    def __init__(self, cells: Sequence[Cell], reference: Cell | None, *, threads: int = 1) -> None:
        self.failures: dict[Cell, str] = {}
        self._reference = reference
        self._open: dict[Cell, Network] = {}
        with ExitStack() as stack:
            if reference is not None:
                self._open[reference] = stack.enter_context(_network(reference, threads))
            for cell in cells:
                if cell in self._open:
                    continue
                try:
                    self._open[cell] = stack.enter_context(_network(cell, threads))
                except (InputError, RunError, RuntimeUnavailable) as error:
                    self.failures[cell] = str(error)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def run(self, sample: Sample) -> Iterator[tuple[Cell, Logits]]:
        """Outputs of each cell that still works, the reference's first."""
        for cell in [cell for cell in self._open if cell not in self.failures]:
            try:
                found = _finite(cell, self._open[cell].run(sample))
            except (InputError, RunError) as error:
                if cell == self._reference:
                    raise
                self.failures[cell] = str(error)
                continue
            yield cell, found

    def placements(self, cell: Cell) -> list[Placement]:
        """What the cell's runtime says of its layers; nothing of a cell that failed."""
        return [] if cell in self.failures else self._open[cell].placements()


def _network(cell: Cell, threads: int) -> Network:
    return Network(cell.runtime, cell.file.path, threads=threads)


def _finite(cell: Cell, outputs: Logits) -> Logits:
    if not all(np.isfinite(output).all() for output in outputs):
        raise RunError(str(cell.file.path), f"{cell.runtime.name} gave outputs that are NaN or infinite")
    return outputs
