"""`sepia quantize`: float ONNX → QDQ ONNX, once; from that the int8 TFLite and IR, and `quantization.json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..check.model_folder import FORMATS, Format, ModelFolder
from ..errors import ConfigError, QuantizeError
from ..files import write_text
from .progress import Report, silent
from .translate_files import translate_files

if TYPE_CHECKING:
    from ..quantize.quantize import Quantization

__all__ = ["AUTO", "GoalMissed", "QuantizeOptions", "quantize_files"]


AUTO = "auto"


@dataclass(frozen=True)
class QuantizeOptions:
    """recipe: built-in name, file, or "auto". calibrate: image folder, `.npz`, `.npy`, or None for the built-in photos.

    images: at most so many of them. activations: encoding in the ONNX file. saturation_safe: weights of half the range,
    for x86 processors whose int8 kernels saturate. io: element type of the TFLite's inputs and outputs. max_loss: of
    "auto" alone, which needs it: see `quantize.climb`. labels: `calibrate` tells its classes, and `max_loss` is in
    points of top-1.
    """

    recipe: str = "default"
    calibrate: Path | None = None
    images: int | None = None
    activations: Literal["uint8", "int8"] = "uint8"
    saturation_safe: bool = False
    io: Literal["float", "int8"] = "float"
    max_loss: float | None = None
    labels: bool = False


class GoalMissed(QuantizeError):
    """No recipe keeps the loss to what was asked for. The files of the best one are written; summary: of that one."""

    def __init__(self, where: str, summary: Quantization, what: str) -> None:
        self.summary = summary
        super().__init__(
            where, what, hint="its files are written; allow more with --max-loss, or calibrate on more samples"
        )


def quantize_files(
    source: ModelFolder,
    destination: ModelFolder,
    options: QuantizeOptions,
    *,
    formats: Sequence[Format] = FORMATS,
    progress: Report = silent,
) -> Quantization:
    """Write `model.int8.*` and `quantization.json` into `destination` from `model.onnx` in `source`.

    Raises InputError (calibration data), QuantizeError, UnsupportedOps, ConfigError (recipe) and OutputError; and once
    all is written, GoalMissed.
    """
    from ..check.model_facts import model_facts
    from ..inputs.calibration import calibration_data

    quantizing = _road(options)
    onnx = source.require("onnx", "float")
    facts = model_facts(onnx)
    data = calibration_data(
        options.calibrate, facts.inputs, facts.preparation, limit=options.images, labelled=options.labels
    )
    path = destination.artifact("onnx", "int8").path
    summary = quantizing(
        onnx,
        path,
        data,
        activations=options.activations,
        saturation_safe=options.saturation_safe,
        progress=progress,
    )
    translate_files(destination, "int8", formats, io=options.io, progress=progress)
    write_text(destination.quantization, json.dumps(summary.to_json(), indent=1) + "\n")
    if summary.climb is not None and not summary.climb.reached:
        raise GoalMissed(str(path), summary, summary.climb.missed())
    return summary


def _road(options: QuantizeOptions) -> Callable[..., Quantization]:
    """What quantises. Raises ConfigError for an unknown recipe, and options that do not go with it."""
    from ..quantize.auto import quantize_auto
    from ..quantize.quantize import quantize
    from ..quantize.recipes import recipe

    if options.recipe == AUTO:
        if options.max_loss is None:
            raise ConfigError("--recipe auto", "does not say how much may be lost", accepted="--max-loss X")
        return partial(quantize_auto, max_loss=options.max_loss)
    for option, given in (("--max-loss", options.max_loss is not None), ("--labels", options.labels)):
        if given:
            raise ConfigError(option, f"is not for the recipe '{options.recipe}'", accepted="--recipe auto")
    return partial(quantize, recipe=recipe(options.recipe))
