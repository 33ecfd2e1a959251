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
    from ..inputs.calibration import CalibrationData
    from ..quantize.quantize import Quantization
    from ..quantize.recipes import Recipe

__all__ = ["AUTO", "GoalMissed", "QuantizeOptions", "chosen_recipe", "quantize_files", "samples_for"]


AUTO = "auto"


@dataclass(frozen=True)
class QuantizeOptions:
    """recipe: built-in name, file, or "auto". calibrate: image folder, `.npz`, `.npy`, or None for the built-in photos.

    images: at most so many of them. activations: encoding in the ONNX file. saturation_safe: weights of half the range,
    for x86 processors whose int8 kernels saturate. io: element type of the TFLite's inputs and outputs. max_loss: of
    "auto" and `mixed`, which need it: see `quantize.climb`. labels: `calibrate` tells its classes, and `max_loss` is in
    points of top-1; of "auto" alone. float_layers: names or patterns of nodes to leave in float, beside those of the
    recipe. mixed: leave as few more there as keep to `max_loss`; by: few of what.
    """

    recipe: str = "default"
    calibrate: Path | None = None
    images: int | None = None
    activations: Literal["uint8", "int8"] = "uint8"
    saturation_safe: bool = False
    io: Literal["float", "int8"] = "float"
    max_loss: float | None = None
    labels: bool = False
    float_layers: tuple[str, ...] = ()
    mixed: bool = False
    by: Literal["macs", "bytes"] = "macs"


class GoalMissed(QuantizeError):
    """No recipe keeps the loss to what was asked for. The files of the best one are written; summary: of that one."""

    def __init__(self, where: str, summary: Quantization, what: str) -> None:
        self.summary = summary
        ways = "allow more with --max-loss, or calibrate on more samples"
        if summary.climb is not None:
            ways = f"leave layers in float with --recipe {summary.climb.chosen} --mixed, {ways}"
        super().__init__(where, what, hint=f"its files are written; {ways}")


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
    quantizing = _road(options)
    onnx, data = samples_for(source, options)
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
    for search in (summary.climb, summary.mixed):
        if search is not None and not search.reached:
            raise GoalMissed(str(path), summary, search.missed())
    return summary


def samples_for(source: ModelFolder, options: QuantizeOptions) -> tuple[Path, CalibrationData]:
    """The float ONNX file of `source` and the calibration data for it. Raises InputError."""
    from ..check.model_facts import model_facts
    from ..inputs.calibration import calibration_data

    onnx = source.require("onnx", "float")
    facts = model_facts(onnx)
    data = calibration_data(
        options.calibrate, facts.inputs, facts.preparation, limit=options.images, labelled=options.labels
    )
    return onnx, data


def chosen_recipe(options: QuantizeOptions) -> Recipe:
    """The one recipe of `options`. Raises ConfigError for "auto", and for options that go with that alone."""
    from ..quantize.recipes import recipe

    if options.recipe == AUTO:
        raise ConfigError(
            "--recipe auto", "is not for --mixed and --curve", accepted="a recipe by name, or a TOML file"
        )
    if options.labels:
        raise ConfigError("--labels", f"is not for the recipe '{options.recipe}'", accepted="--recipe auto")
    return _with_floats(recipe(options.recipe), options)


def _with_floats(recipe: Recipe, options: QuantizeOptions) -> Recipe:
    return recipe.model_copy(update={"float_layers": (*recipe.float_layers, *options.float_layers)})


def _road(options: QuantizeOptions) -> Callable[..., Quantization]:
    """What quantises. Raises ConfigError for an unknown recipe, and options that do not go with it."""
    from ..quantize.auto import quantize_auto
    from ..quantize.mixed.quantize_mixed import quantize_mixed
    from ..quantize.quantize import quantize
    from ..quantize.recipes import LADDER, RECIPES

    for road, taken in (("--mixed", options.mixed), ("--recipe auto", options.recipe == AUTO)):
        if taken and options.max_loss is None:
            raise ConfigError(road, "does not say how much may be lost", accepted="--max-loss X")
    if options.mixed and options.max_loss is not None:
        return partial(quantize_mixed, recipe=chosen_recipe(options), max_loss=options.max_loss, by=options.by)
    if options.recipe == AUTO and options.max_loss is not None:
        ladder = tuple(_with_floats(RECIPES[name], options) for name in LADDER)
        return partial(quantize_auto, max_loss=options.max_loss, ladder=ladder)
    if options.max_loss is not None:
        accepted = "--recipe auto, or --mixed"
        raise ConfigError("--max-loss", f"is not for the recipe '{options.recipe}'", accepted=accepted)
    return partial(quantize, recipe=chosen_recipe(options))
