"""`sepia quantize --curve`: loss against size and latency, from all layers in int8 to all in float; `curve.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..check.model_folder import FORMATS, Artifact, Format, ModelFolder
from ..files import write_text
from .progress import Report, silent
from .quantize_files import QuantizeOptions, chosen_recipe, samples_for
from .translate_files import translate_files

if TYPE_CHECKING:
    from ..quantize.mixed.draw_curve import Drawn
    from ..quantize.mixed.sensitivity import Sensitivity

__all__ = ["CurveRow", "CurveTable", "Measured", "curve_files"]

_MOST_LAYERS = 10
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Measured:
    """One file of a point. latency_ms: p50 here on one thread, None where it failed, `failure` says why. disturbed:
    what else this machine did while it was measured.
    """

    format: Format
    runtime: str
    file_bytes: int
    latency_ms: float | None
    disturbed: tuple[str, ...] = ()
    failure: str = ""


@dataclass(frozen=True)
class CurveRow:
    """loss, loss_seen: rms error of the outputs in percent of their spread, on samples held back and on those that the
    set was chosen on. float_macs: share of all. weight_bytes: of weights and biases as the file holds them.
    """

    float_layers: tuple[str, ...]
    loss: float
    loss_seen: float
    rms: dict[str, float]
    agreement: dict[str, float | None]
    float_macs: float
    weight_bytes: int
    files: tuple[Measured, ...]


@dataclass(frozen=True)
class CurveTable:
    """samples: held back. sensitivity: layer → loss in percent with it alone in int8, and with it alone in float."""

    recipe: str
    by: str
    samples: int
    sensitivity: dict[str, dict[str, float]]
    rows: tuple[CurveRow, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def to_text(self) -> str:
        """A row a point, then the layers that int8 costs most."""
        columns = [(file.format, file.runtime) for file in self.rows[0].files]
        header = ["in float", "MACs", "loss", "agree", "weights", *(f"{f} {r}" for f, r in columns)]
        table = [header, *(_cells(row, columns) for row in self.rows)]
        widths = [max(len(row[column]) for row in table) for column in range(len(header))]
        lines = [
            f"recipe {self.recipe}: loss in percent of the output's spread, on {self.samples} samples held back; "
            "latency measured here, one thread",
            *("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table),
        ]
        disturbed = [what for row in self.rows for file in row.files for what in file.disturbed]
        if disturbed:
            lines.append(f"* disturbed: {', '.join(_ranges(disturbed))}")
        failures = {f"{file.format} in {file.runtime}: {file.failure}" for row in self.rows for file in row.files}
        lines += sorted(failure for failure in failures if not failure.endswith(": "))
        lines.append("layers that int8 costs most, alone in int8 and alone in float:")
        worst = sorted(self.sensitivity, key=lambda layer: -self.sensitivity[layer]["alone"])[:_MOST_LAYERS]
        wide = max((len(layer) for layer in worst), default=0)
        told = ((layer, self.sensitivity[layer]) for layer in worst)
        lines += [f"  {layer:<{wide}}  {loss['alone']:>6.2f} {loss['rest']:>6.2f}" for layer, loss in told]
        before: set[str] = set()
        for row in self.rows[1:-1]:
            more = [layer for layer in row.float_layers if layer not in before]
            lines.append(f"{len(row.float_layers)} in float: {'and ' * bool(before)}{', '.join(more)}")
            before = set(row.float_layers)
        return "\n".join(lines)


def _ranges(told: Iterable[str]) -> list[str]:
    """Lines that differ in their number alone, as one with the least and the greatest."""
    found: dict[str, list[str]] = {}
    for line in told:
        found.setdefault(_NUMBER.sub("{}", line, count=1), []).extend(_NUMBER.findall(line)[:1])
    ends = {words: (min(numbers, key=float), max(numbers, key=float)) for words, numbers in found.items() if numbers}
    return [
        words.replace("{}", " to ".join(dict.fromkeys(ends[words])), 1) if words in ends else words
        for words in sorted(found)
    ]


def _cells(row: CurveRow, columns: Sequence[tuple[Format, str]]) -> list[str]:
    shares = [share for share in row.agreement.values() if share is not None]
    files = {(file.format, file.runtime): file for file in row.files}
    return [
        f"{len(row.float_layers)}",
        f"{100 * row.float_macs:.1f} %",
        f"{row.loss:.2f}",
        f"{min(shares):.3f}" if shares else "–",
        f"{row.weight_bytes / 1e6:.2f} MB",
        *(_told(files.get(column)) for column in columns),
    ]


def _told(file: Measured | None) -> str:
    if file is None or file.latency_ms is None:
        return "–"
    return f"{file.latency_ms:.2f} ms{'*' * bool(file.disturbed)}"


def curve_files(
    source: ModelFolder,
    destination: ModelFolder,
    options: QuantizeOptions,
    *,
    formats: Sequence[Format] = FORMATS,
    seconds: float = 1.0,
    progress: Report = silent,
) -> CurveTable:
    """Write `curve.json` and, for each point, its files in `curve/NN`; measure each here in the runtime of its format.

    seconds: timed, a file. Raises what `quantize_files` raises.
    """
    from ..quantize.mixed.draw_curve import draw_curve

    def folder(number: int) -> ModelFolder:
        return ModelFolder(destination.path / "curve" / f"{number:02d}", float_path=source.path)

    recipe = chosen_recipe(options)
    onnx, data = samples_for(source, options)
    drawn = draw_curve(
        onnx,
        lambda number: folder(number).artifact("onnx", "int8").path,
        data,
        recipe,
        by=options.by,
        activations=options.activations,
        saturation_safe=options.saturation_safe,
        progress=progress,
    )
    rows = []
    for number, point in enumerate(drawn.points):
        here, int8 = folder(number), number < len(drawn.points) - 1
        if int8:
            translate_files(here, "int8", formats, io=options.io, progress=progress)
        wanted = [here.artifact(format_, "int8" if int8 else "float") for format_ in formats]
        found = [artifact for artifact in wanted if all(file.is_file() for file in artifact.files)]
        progress("files of the curve measured", number, len(drawn.points))
        rows.append(_row(point, tuple(_measured(artifact, seconds) for artifact in found)))
    table = CurveTable(
        drawn.recipe, drawn.by, drawn.points[0].loss.samples, _sensitivity(drawn.sensitivity), tuple(rows)
    )
    write_text(destination.path / "curve.json", json.dumps(table.to_json(), indent=1) + "\n")
    return table


_RUNTIMES: dict[Format, str] = {"onnx": "onnxruntime", "tflite": "litert", "openvino": "openvino"}


def _measured(artifact: Artifact, seconds: float) -> Measured:
    from ..devices.local import bench
    from ..errors import RunError, RuntimeUnavailable

    runtime = _RUNTIMES[artifact.format]
    try:
        # Many files in a row: what disturbs one is told with it, not waited for. `sepia bench` is for a careful look.
        said = bench(artifact.path, runtime, seconds=seconds, repeats=0)
    except (RunError, RuntimeUnavailable) as error:
        return Measured(artifact.format, runtime, artifact.file_bytes, None, failure=str(error))
    disturbed = tuple(said.get("disturbed") or ())
    return Measured(artifact.format, runtime, artifact.file_bytes, float(said["latency"]["p50_ms"]), disturbed)


def _row(drawn: Drawn, files: tuple[Measured, ...]) -> CurveRow:
    return CurveRow(
        float_layers=drawn.point.float_layers,
        loss=100 * drawn.loss.relative,
        loss_seen=100 * drawn.point.loss,
        rms=dict(drawn.loss.rms),
        agreement=dict(drawn.loss.agreement),
        float_macs=drawn.point.float_macs,
        weight_bytes=drawn.point.weight_bytes,
        files=files,
    )


def _sensitivity(rows: Sequence[Sensitivity]) -> dict[str, dict[str, float]]:
    return {row.layer: {"alone": 100 * row.alone, "rest": 100 * row.rest} for row in rows}
