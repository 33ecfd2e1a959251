"""One network of the zoo by the main road: its files, their float outputs, its layers in int8."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sepia.check.model_facts import model_facts
from sepia.check.model_folder import FORMATS, ModelFolder
from sepia.check.sample_inputs import sample_inputs
from sepia.check.side_by_side import Cell, SideBySide, cells_of
from sepia.errors import UnsupportedOps
from sepia.inputs.calibration import CalibrationData
from sepia.models.zoo import ZOO, ZooEntry
from sepia.pipeline.check_files import Checked, check_files
from sepia.pipeline.export_files import export_files
from sepia.pipeline.quantize_files import QuantizeOptions, quantize_files
from sepia.pipeline.usable import usable_runtimes
from sepia.runtime import RUNTIMES

__all__ = ["TORCH", "Carried", "Int8", "carry"]

TORCH = "torch"
"""Beside the runtimes: what float32 alone costs."""

Arrays = dict[str, NDArray[np.float32]]

_ARRAYS = 8
"""Samples for a network that reads no photos: normal values, the same for all that is done with it."""


@dataclass
class Int8:
    """One runtime's layers on the reference's codes, and its whole outputs against float.

    broken: layer → what rounding does not explain. in_float: "op: reason" → layers. rms: of the outputs' errors over
    the spread (rms about the mean) of the float network's; None with its reason in `failure` where there were none.
    """

    layers: int
    share: float
    max_lsb: int
    passed: bool
    broken: dict[str, str] = field(default_factory=dict)
    in_float: dict[str, int] = field(default_factory=dict)
    rms: float | None = None
    failure: str = ""


@dataclass
class Carried:
    """refused: format → why it was not written. float_error: runtime, and `TORCH` in float32 → greatest |error| of an
    output over the greatest |value| of that output in torch in float64, the worst of all outputs. missing: runtime →
    why it does not run here.
    """

    name: str
    task: str
    refused: dict[str, str] = field(default_factory=dict)
    float_error: dict[str, float] = field(default_factory=dict)
    int8: dict[str, Int8] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        return all(found.passed for found in self.int8.values())

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @staticmethod
    def read(path: Path) -> Carried:
        found = Carried(**json.loads(path.read_text(encoding="utf-8")))
        found.int8 = {runtime: Int8(**row) for runtime, row in found.int8.items()}  # type: ignore[arg-type]
        return found


def carry(name: str, folder: Path, *, recipe: str = "fast", images: int = 4) -> Carried:
    """Export, quantise and check `name` in `folder`. images: to compare whole outputs on."""
    entry, files = ZOO[name], ModelFolder(folder)
    found = Carried(name, entry.task.value)
    _export(found, files)
    arrays = None if entry.preparation else _arrays(entry, folder / "arrays.npz")
    formats = tuple(format_ for format_ in FORMATS if format_ not in found.refused)
    quantize_files(files, files, QuantizeOptions(recipe=recipe, calibrate=arrays), formats=formats)
    usable = usable_runtimes(None)
    found.missing = dict(usable.missing)
    cells = cells_of(tuple(files.artifacts()), usable.names, RUNTIMES)
    found.float_error = _float_errors(entry, [cell for cell in cells if cell.file.precision == "float"])
    runtimes = list(dict.fromkeys(cell.runtime.name for cell in cells))
    checked = check_files(files, runtimes=runtimes, calibrate=arrays, samples=1, images=images)
    spread = _spread(cells[0], sample_inputs(arrays, model_facts(cells[0].file.path), limit=images))
    found.int8 = {verdict.runtime: _int8(verdict.runtime, checked, spread) for verdict in checked.verdicts}
    return found


def _export(found: Carried, files: ModelFolder) -> None:
    """All formats; those that cannot carry the network are told, and the others written."""
    try:
        export_files(found.name, files)
    except UnsupportedOps as error:
        found.refused["tflite"] = str(error).replace(f"{files.path}/", "")
        export_files(found.name, files, formats=("onnx", "openvino"))


def _arrays(entry: ZooEntry, path: Path) -> Path:
    values = np.random.default_rng(0).standard_normal((_ARRAYS, *entry.input_shape[1:]))
    np.savez(path, input=values.astype(np.float32))
    return path


def _float_errors(entry: ZooEntry, cells: list[Cell]) -> dict[str, float]:
    import torch

    sample = np.random.default_rng(1).standard_normal(entry.input_shape).astype(np.float32)
    network, values = entry.build(), torch.from_numpy(sample)
    with torch.inference_mode():
        own, expected = _outputs(network(values)), _outputs(network.double()(values.double()))
    with SideBySide(cells, None) as networks:
        found = {cell.runtime.name: outputs for cell, outputs in networks.run({"input": sample})}
    return {
        name: max(_relative(have, want) for have, want in zip(outputs, expected, strict=True))
        for name, outputs in ({TORCH: own} | found).items()
    }


def _outputs(made: Any) -> tuple[NDArray[Any], ...]:
    return tuple(output.numpy() for output in (made if isinstance(made, tuple | list) else (made,)))


def _spread(real: Cell, data: CalibrationData) -> float:
    """Rms about the mean of all the float network's outputs."""
    with SideBySide([real], None) as network:
        made = [outputs for sample in data for _, outputs in network.run(sample)]
    squares = [((values - values.mean()) ** 2).ravel() for values in map(np.stack, zip(*made, strict=True))]
    return float(np.sqrt(np.concatenate(squares).mean()))


def _relative(have: NDArray[np.float32], want: NDArray[np.float64]) -> float:
    return float(np.abs(have.reshape(want.shape) - want).max() / np.abs(want).max())


def _int8(runtime: str, checked: Checked, spread: float) -> Int8:
    verdict = next(verdict for verdict in checked.verdicts if verdict.runtime == runtime)
    row = next(row for row in checked.whole if row.runtime == runtime and row.precision == "int8")
    in_float = Counter(f"{layer.op}: {layer.reason}" for layer in row.float_layers or ())
    wrong = row.wrong or row.failure
    return Int8(
        verdict.layers, verdict.share, verdict.max_lsb, verdict.passed or bool(row.wrong), dict(verdict.broken),
        dict(in_float), None if row.rms is None else row.rms / spread, wrong,
    )  # fmt: skip
