"""Whole networks against float: how far each runtime's outputs are from float ONNX Runtime's, and what ran in float.

Two correct int8 engines need not share a code at the end of a deep network (a flipped LSB grows on the way), but their
errors against float are alike. `spread` says how alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from ..errors import InputError
from ..runtime import RUNTIMES
from ..runtime.interface import Placement, Runtime
from .difference import LogitDifference, compare_logits
from .float_layers import FloatLayer, FloatReasons
from .network import NetworkFile
from .precision import float_placements
from .saturation import wrong_outputs
from .side_by_side import Cell, Logits, Sample, SideBySide, cells_of, find, float_reference

__all__ = ["GREATEST_SPREAD", "WholeParity", "check_whole", "difference_of", "spread"]

GREATEST_SPREAD = 0.05
"""Correct runtimes' rms errors of one int8 network lie within 5 % of one another."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class WholeParity:
    """One file in one runtime, against float ONNX Runtime on the same samples.

    file: its name. rms: of all outputs' errors. agreement: share of samples with the same first class. float_layers,
    int8_layers: of an int8 file, where they ran; None where the runtime does not tell. wrong: why its outputs are wrong
    on this processor; failure: why it did not run. Either leaves the figures None.
    """

    runtime: str
    file: str
    format: str
    precision: str
    samples: int
    rms: float | None
    agreement: float | None
    float_layers: tuple[FloatLayer, ...] | None = None
    int8_layers: int | None = None
    wrong: str = ""
    failure: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def check_whole(
    files: Sequence[NetworkFile],
    runtimes: Sequence[str],
    data: Iterable[Sample],
    *,
    samples: int = 16,
    left_float: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    known: Mapping[str, Runtime] = RUNTIMES,
    judge: Callable[[Runtime, NetworkFile, NetworkFile | None], str] = wrong_outputs,
) -> tuple[WholeParity, ...]:
    """A row for each file in each of `runtimes` that prefers its format.

    files: the float ONNX file must be among them. data: the first `samples` are used, streamed. left_float: node name →
    why the quantiser left it in float (of `quantization.json`). judge: says why a file's outputs are wrong in a runtime
    here, "" if they are not. Raises InputError without a float ONNX file or without samples.
    """
    reference = float_reference(files, known)
    if reference is None:
        raise InputError("check", "no float ONNX file to compare with", hint="make it with: sepia export SOURCE -o DIR")
    cells = cells_of(files, runtimes, known)
    qdq = find(files, "onnx", "int8")
    reasons = FloatReasons(None if qdq is None else qdq.path, left_float or {})
    sums = {cell: LogitDifference() for cell in cells}
    with SideBySide(cells, reference) as networks:
        _gather(networks, sums, islice(iter(data), samples), samples, progress)
        placed = {cell: _placed(networks, cell) for cell in cells}
        failures = dict(networks.failures)
    return tuple(
        _row(cell, sums[cell], placed[cell], reasons, judge(cell.runtime, cell.file, qdq), failures.get(cell, ""))
        for cell in cells
    )


def spread(rows: Iterable[WholeParity]) -> float | None:
    """(greatest − least) / least rms error of the int8 rows whose outputs are right; None of fewer than two."""
    errors = [row.rms for row in rows if row.precision == "int8" and row.rms is not None]
    if len(errors) < 2:
        return None
    least, greatest = min(errors), max(errors)
    return (greatest - least) / least if least > 0 else (0.0 if greatest == 0 else float("inf"))


def difference_of(found: Logits, expected: Logits) -> LogitDifference:
    """One sample: the errors of all outputs, the first class of the first one."""
    first, *others = (compare_logits(have, want) for have, want in zip(found, expected, strict=True))
    for other in others:
        first = LogitDifference(1, first.values + other.values, first.squared + other.squared, first.same)
    return first


def _gather(
    networks: SideBySide,
    sums: dict[Cell, LogitDifference],
    data: Iterable[Sample],
    samples: int,
    progress: Progress | None,
) -> None:
    taken = 0
    for taken, sample in enumerate(data, start=1):
        expected: Logits | None = None
        for cell, found in networks.run(sample):
            expected = found if expected is None else expected  # the reference comes first
            if cell in sums:
                sums[cell] += difference_of(found, expected)
        if progress is not None:
            progress("whole networks", taken, samples)
    if not taken:
        raise InputError("check", "no samples to check with", accepted="at least one")


def _placed(networks: SideBySide, cell: Cell) -> list[Placement]:
    return networks.placements(cell) if cell.file.precision == "int8" else []


def _row(
    cell: Cell,
    difference: LogitDifference,
    placed: Sequence[Placement],
    reasons: FloatReasons,
    wrong: str,
    failure: str,
) -> WholeParity:
    valid = not wrong and not failure and difference.samples > 0
    return WholeParity(
        runtime=cell.runtime.name,
        file=cell.file.path.name,
        format=cell.file.format,
        precision=cell.file.precision,
        samples=difference.samples,
        rms=difference.rms if valid else None,
        agreement=difference.agreement if valid else None,
        float_layers=tuple(map(reasons.explain, float_placements(placed))) if placed else None,
        int8_layers=sum(found.precision == "int8" for found in placed) if placed else None,
        wrong=wrong,
        failure=failure,
    )
