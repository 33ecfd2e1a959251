"""Recipes: how ranges are found and weights rounded, by a built-in name or from a TOML file."""

from __future__ import annotations

import tomllib
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import ConfigError, nearest
from .ranges.entropy import entropy_range
from .ranges.group_range import RangeMethod
from .ranges.min_max import min_max_range
from .ranges.mse import mse_range
from .ranges.percentile import percentile_range

__all__ = ["RECIPES", "Recipe", "recipe"]


class Recipe(BaseModel):
    """One way to quantise.

    ranges: how the ends of an activation's grid are found. percentile: of the values, kept by "percentile" at either
    end. bias_correction: take the mean error of rounded weights out of the biases.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(default="", description="What the report calls it; a file's own name if not given.")
    ranges: Literal["minmax", "percentile", "mse", "entropy"] = Field(
        default="mse", description="How the ends of an activation's grid are found."
    )
    percentile: float = Field(
        default=99.99, gt=50, le=100, description='Percent of the values that "percentile" keeps at either end.'
    )
    bias_correction: bool = Field(
        default=True, description="Take the mean error that rounding makes out of the biases."
    )

    @property
    def wants_histogram(self) -> bool:
        return self.ranges != "minmax"

    @property
    def range_method(self) -> RangeMethod:
        methods: dict[str, RangeMethod] = {
            "minmax": min_max_range,
            "percentile": partial(percentile_range, percentile=self.percentile),
            "mse": mse_range,
            "entropy": entropy_range,
        }
        return methods[self.ranges]


RECIPES = {
    "default": Recipe(name="default", ranges="mse", bias_correction=True),
    "minmax": Recipe(name="minmax", ranges="minmax", bias_correction=False),
    "percentile": Recipe(name="percentile", ranges="percentile", bias_correction=False),
    "mse": Recipe(name="mse", ranges="mse", bias_correction=False),
    "entropy": Recipe(name="entropy", ranges="entropy", bias_correction=False),
}
"""The built-in ones. Those named for a range method do nothing else, so that they show what it is worth."""


def recipe(name_or_path: str | Path) -> Recipe:
    """A built-in recipe by name, or one from a TOML file. Raises ConfigError with the nearest names or every fault."""
    text = str(name_or_path)
    if text in RECIPES:
        return RECIPES[text]
    path = Path(name_or_path)
    if path.suffix != ".toml" and not path.is_file():
        raise ConfigError("recipe", f"unknown recipe '{text}'", accepted=f"{nearest(text, RECIPES)}, or a TOML file")
    return _read(path)


def _read(path: Path) -> Recipe:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(str(path), f"cannot be read ({reason})", accepted="a recipe as a TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), f"not TOML: {error}") from error
    try:
        return Recipe.model_validate({"name": path.stem} | found)
    except ValidationError as error:
        faults = (_told(fault["loc"], fault["type"], fault["msg"]) for fault in error.errors(include_url=False))
        raise ConfigError(str(path), " | ".join(faults), accepted=", ".join(Recipe.model_fields)) from error


def _told(location: tuple[int | str, ...], kind: str, message: str) -> str:
    key = ".".join(str(part) for part in location)
    if kind == "extra_forbidden":
        return f"unknown key '{key}' ({nearest(key, Recipe.model_fields)})"
    return f"{key}: {message}"
