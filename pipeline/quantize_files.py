"""`sepia quantize`: float ONNX → QDQ ONNX, once; from that the int8 TFLite and IR, and `quantization.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..check.model_folder import FORMATS, Format, ModelFolder
from ..files import write_text
from .progress import Report, silent
from .translate_files import translate_files

if TYPE_CHECKING:
    from ..quantize.quantize import Quantization

__all__ = ["QuantizeOptions", "quantize_files"]


@dataclass(frozen=True)
class QuantizeOptions:
    """recipe: built-in name or file. calibrate: image folder, `.npz`, `.npy`, or None for the built-in photos.

    images: at most so many of them. activations: encoding in the ONNX file. saturation_safe: weights of half the range,
    for x86 processors whose int8 kernels saturate. io: element type of the TFLite's inputs and outputs.
    """

    recipe: str = "default"
    calibrate: Path | None = None
    images: int | None = None
    activations: Literal["uint8", "int8"] = "uint8"
    saturation_safe: bool = False
    io: Literal["float", "int8"] = "float"


def quantize_files(
    source: ModelFolder,
    destination: ModelFolder,
    options: QuantizeOptions,
    *,
    formats: Sequence[Format] = FORMATS,
    progress: Report = silent,
) -> Quantization:
    """Write `model.int8.*` and `quantization.json` into `destination` from `model.onnx` in `source`.

    Raises InputError (calibration data), QuantizeError, UnsupportedOps, ConfigError (recipe) and OutputError.
    """
    from ..check.model_facts import model_facts
    from ..inputs.calibration import calibration_data
    from ..quantize.quantize import quantize
    from ..quantize.recipes import recipe

    chosen = recipe(options.recipe)
    onnx = source.require("onnx", "float")
    facts = model_facts(onnx)
    data = calibration_data(options.calibrate, facts.inputs, facts.preparation, limit=options.images)
    summary = quantize(
        onnx,
        destination.artifact("onnx", "int8").path,
        data,
        chosen,
        activations=options.activations,
        saturation_safe=options.saturation_safe,
        progress=progress,
    )
    translate_files(destination, "int8", formats, io=options.io, progress=progress)
    write_text(destination.quantization, json.dumps(summary.to_json(), indent=1) + "\n")
    return summary
