"""`sepia explain`: where the int8 file of a folder loses what → `explanation.json` and `explanation.html`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..check.model_facts import model_facts
from ..check.model_folder import ModelFolder
from ..errors import InputError
from ..files import write_text
from .progress import Report, silent

if TYPE_CHECKING:
    from ..report.explained import Explanation

__all__ = ["SAMPLES", "explain_files"]

SAMPLES = 32
"""To measure with, where nothing is said."""


def explain_files(
    folder: ModelFolder, *, calibrate: Path | None = None, samples: int = SAMPLES, progress: Report = silent
) -> Explanation:
    """Explain `model.int8.onnx` by `model.onnx` and write what was found beside it. Nothing is quantised anew.

    calibrate: samples to measure with, as for `quantize`; so many of them, evenly over all. Raises InputError,
    ModelError, GraphError, QuantizeError and OutputError.
    """
    from ..inputs.calibration import calibration_data
    from ..quantize.diagnosis.explain import explain
    from ..quantize.diagnosis.prepared import changes_network, preparation_again
    from ..report.explained import Explanation, save_explanation
    from ..report.explained.html import to_html

    onnx, qdq = folder.require("onnx", "float"), folder.require("onnx", "int8")
    facts, ours = model_facts(onnx), _ours(folder)
    data = calibration_data(calibrate, facts.inputs, facts.preparation, limit=samples)
    settings, prepare = (ours or {}).get("settings"), None
    if ours is not None and settings is not None and changes_network(settings):
        made = ours["calibration"]
        whole = calibration_data(calibrate, facts.inputs, facts.preparation, limit=int(made["count"]))
        prepare = preparation_again(settings, str(made["name"]), whole, where=str(qdq))
    found = explain(onnx, qdq, data, settings=settings, prepare=prepare, progress=progress)
    told = Explanation.model_validate_json(json.dumps(found.to_json()))
    save_explanation(told, folder.explanation)
    write_text(folder.explanation.with_suffix(".html"), to_html(told))
    return told


def _ours(folder: ModelFolder) -> dict[str, Any] | None:
    """What `quantize` said of the file; None for one of another tool."""
    path = folder.quantization
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(str(path), f"cannot be read ({error})", hint="sepia quantize writes it") from error
    return found if isinstance(found, dict) else None
