"""Right answers on labelled photos, by file and runtime: top-1, top-5, agreement with float, rms error of the logits.

Photos stream: each is prepared once and given to every runtime. A runtime whose outputs are wrong on this processor is
not run at all, so that there is no figure that could be taken for an accuracy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from ..errors import InputError
from ..inputs.photo import read_photo
from ..inputs.preparation import Preparation
from ..runtime import RUNTIMES
from ..runtime.interface import Runtime
from .difference import LogitDifference, in_top
from .network import NetworkFile
from .saturation import wrong_outputs
from .side_by_side import Cell, Logits, Sample, SideBySide, cells_of, find, float_reference
from .whole import difference_of

__all__ = ["Accuracy", "LabelledPhotos", "accuracy"]

Progress = Callable[[str, int, int], None]


class LabelledPhotos(Protocol):
    """What `inputs.LabelledFolder` is: photos with the index of their class."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[tuple[Path, int]]: ...


@dataclass(frozen=True)
class Accuracy:
    """One file in one runtime. Shares in [0, 1], over `images` photos.

    top5: None where there are five classes or fewer. agreement: share of photos with the same first class as float ONNX
    Runtime; rms: error of the logits against it; both None where there is no float ONNX file. outputs: "wrong" leaves
    every figure None and `reason` says why, as `failure` does for one that did not run ("not checked").
    """

    runtime: str
    file: str
    format: str
    precision: str
    images: int
    outputs: Literal["right", "wrong", "not checked"]
    top1: float | None = None
    top5: float | None = None
    agreement: float | None = None
    rms: float | None = None
    reason: str = ""
    failure: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class _Tally:
    images: int = 0
    first: int = 0
    five: int = 0
    classes: int = 0
    difference: LogitDifference = field(default_factory=LogitDifference)

    def add(self, found: Logits, expected: Logits | None, index: int) -> None:
        self.images += 1
        self.first += in_top(found[0], index, 1)
        self.five += in_top(found[0], index, 5)
        self.classes = found[0].size
        if expected is not None:
            self.difference += difference_of(found, expected)


def accuracy(
    files: Sequence[NetworkFile],
    data: LabelledPhotos,
    preparation: Preparation,
    runtimes: Sequence[str],
    *,
    limit: int | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    known: Mapping[str, Runtime] = RUNTIMES,
    judge: Callable[[Runtime, NetworkFile, NetworkFile | None], str] = wrong_outputs,
) -> tuple[Accuracy, ...]:
    """A row for each of `files` in each of `runtimes` that prefers its format.

    limit: at most so many photos, taken evenly over all. progress: called with the photo's name, how many are done and
    how many there are. judge: as in `whole.check_whole`. Raises InputError for a photo that can't be read or a class
    that the network does not have.
    """
    cells = cells_of(files, runtimes, known)
    qdq = find(files, "onnx", "int8")
    wrong = {cell: judge(cell.runtime, cell.file, qdq) for cell in cells}
    tallies = {cell: _Tally() for cell in cells if not wrong[cell]}
    reference = float_reference(files, known)
    count = len(data) if limit is None else min(limit, len(data))
    with SideBySide(tuple(tallies), reference, threads=threads) as networks:
        for done, (path, index) in enumerate(_spread(data, count), start=1):
            sample = {"photo": read_photo(path, preparation)[np.newaxis]}
            _add(networks, tallies, reference, sample, path, index)
            if progress is not None:
                progress(path.name, done, count)
        failures = dict(networks.failures)
    return tuple(_row(cell, tallies.get(cell), wrong[cell], failures.get(cell, "")) for cell in cells)


def _spread(data: LabelledPhotos, count: int) -> Iterable[tuple[Path, int]]:
    """`count` of the photos, evenly over all: they are sorted by class."""
    chosen = {index * len(data) // count for index in range(count)}
    return (item for at, item in enumerate(data) if at in chosen)


def _add(
    networks: SideBySide,
    tallies: Mapping[Cell, _Tally],
    reference: Cell | None,
    sample: Sample,
    path: Path,
    index: int,
) -> None:
    expected: Logits | None = None
    for cell, found in networks.run(sample):
        if cell == reference:
            expected = found
        if not index < found[0].size:
            raise InputError(
                str(path), f"is of class {index}", accepted=f"0 to {found[0].size - 1}, the classes of the network"
            )
        if cell in tallies:
            tallies[cell].add(found, expected, index)


def _row(cell: Cell, tally: _Tally | None, wrong: str, failure: str) -> Accuracy:
    told = (cell.runtime.name, cell.file.path.name, cell.file.format, cell.file.precision)
    if tally is None:
        return Accuracy(*told, images=0, outputs="wrong", reason=wrong)
    if failure or not tally.images:
        return Accuracy(*told, images=0, outputs="not checked", failure=failure)
    compared = tally.difference.samples > 0
    return Accuracy(
        *told,
        images=tally.images,
        outputs="right",
        top1=tally.first / tally.images,
        top5=tally.five / tally.images if tally.classes > 5 else None,
        agreement=tally.difference.agreement if compared else None,
        rms=tally.difference.rms if compared else None,
    )
