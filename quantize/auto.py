"""`--recipe auto`: the cheapest recipe that loses no more than was asked for, on samples that none of them saw."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ..errors import QuantizeError
from ..files import replacing
from ..inputs.calibration import CalibrationData
from .climb import climb
from .fitted import Progress
from .held_back import split
from .quantize import quantize
from .recipes import LADDER, RECIPES, Recipe
from .summary import CalibrationFacts, Quantization

__all__ = ["quantize_auto"]

_LADDER = tuple(RECIPES[name] for name in LADDER)


def quantize_auto(
    source: Path,
    destination: Path,
    data: CalibrationData,
    *,
    max_loss: float,
    ladder: Sequence[Recipe] = _LADDER,
    activations: Literal["uint8", "int8"] = "uint8",
    saturation_safe: bool = False,
    progress: Progress | None = None,
) -> Quantization:
    """Write the QDQ file of the first recipe of `ladder` that keeps the loss to `max_loss`, else that of the best.

    The samples are split once: every recipe fits to the same ones and is judged on the same others, and the file is
    the one that was judged. max_loss: points of top-1 where `data` has labels, else percent, see `climb`. Whether it
    was reached is for the caller to look at, in `Quantization.climb`. Raises what `quantize` raises, and QuantizeError
    for data of one photo.
    """
    seen, held = split(data, max(recipe.held_back for recipe in ladder))
    if not len(held):
        raise QuantizeError(data.name, "nothing can be held back to judge recipes on", accepted="two photos or more")
    done: dict[str, Quantization] = {}
    with replacing(destination) as partial, tempfile.TemporaryDirectory(prefix="sepia-auto-") as place:

        def attempt(recipe: Recipe) -> Quantization:
            done[recipe.name] = quantize(
                source,
                _file(place, recipe.name),
                seen,
                recipe,
                activations=activations,
                saturation_safe=saturation_safe,
                held=held,
                progress=_for_rung(recipe.name, progress),
            )
            return done[recipe.name]

        found = climb(ladder, attempt, max_loss=max_loss, labelled=bool(data.labels))
        shutil.copyfile(_file(place, found.chosen), partial)
    return replace(
        done[found.chosen],
        recipe="auto",
        calibration=CalibrationFacts(data.name, len(data), data.built_in),
        phases={rung.recipe: rung.seconds for rung in found.rungs},
        climb=found,
    )


def _file(folder: str, recipe: str) -> Path:
    return Path(folder) / recipe / "model.onnx"


def _for_rung(recipe: str, progress: Progress | None) -> Progress | None:
    """Phases told with the recipe that they are of."""
    if progress is None:
        return None
    return lambda what, done, total: progress(f"{recipe}: {what}", done, total)
