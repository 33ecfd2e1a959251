"""The float network that a recipe of ours really quantised, where it changed it first (equalisation and its like)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import onnx_ir as ir
from pydantic import ValidationError

from ...errors import QuantizeError
from ...inputs.calibration import CalibrationData
from ..equalizing.prepare import prepare
from ..held_back import split
from ..recipes import Recipe

__all__ = ["changes_network", "preparation_again"]


def changes_network(settings: Mapping[str, Any]) -> bool:
    """Whether a recipe of these settings starts from another float network that computes the same."""
    recipe = _recipe(settings)
    return recipe is not None and recipe.changes_network


def preparation_again(
    settings: Mapping[str, Any], made_with: str, data: CalibrationData, *, where: str
) -> Callable[[ir.Model], ir.Model]:
    """What the recipe did to the canonical float network, to be done once more.

    The change is found from statistics of the calibration data, so `data` must be the same; made_with: its name, as
    `quantization.json` says it. Raises QuantizeError if `data` is called otherwise.
    """
    recipe = _recipe(settings)
    if recipe is None:
        raise ValueError("settings of no recipe")
    if data.name != made_with:
        raise QuantizeError(
            where,
            f"its recipe changed the float network by statistics of '{made_with}', and these samples are '{data.name}'",
            accepted="--calibrate as it was given to sepia quantize",
        )
    seen = split(data, recipe.held_back)[0] if recipe.learns else data
    return lambda model: prepare(model, recipe, seen, where=where)


def _recipe(settings: Mapping[str, Any]) -> Recipe | None:
    try:
        return Recipe.model_validate(dict(settings))
    except ValidationError:
        return None
