"""Recipes: how ranges are found and weights rounded, by a built-in name or from a TOML file."""

from __future__ import annotations

import tomllib
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ..errors import ConfigError, nearest
from .ranges.entropy import entropy_range
from .ranges.group_range import RangeMethod
from .ranges.min_max import min_max_range
from .ranges.mse import mse_range
from .ranges.percentile import percentile_range
from .rounding.weight_ranges import WeightRange, max_end, mse_end, percentile_end

__all__ = ["LADDER", "RECIPES", "Recipe", "recipe"]


class Recipe(BaseModel):
    """One way to quantise: its techniques in the order in which they are applied.

    equalize, even_streams, spare_channels, absorb_bias: change the float network, not what it computes. float_layers:
    nodes that stay in float. ranges, percentile: the ends of an activation's grid. weights, weight_ranges: the grids of
    weights. rounding: of weights on them. learn_blocks, learn_ranges, distill: by gradient, in torch. held_back: what
    no learning technique sees.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(default="", description="What the report calls it; a file's own name if not given.")
    equalize: bool = Field(default=False, description="Even out the ranges of weights across layers first.")
    even_streams: bool = Field(default=False, description="Even out the channels of residual streams first.")
    spare_channels: bool = Field(
        default=False, description="Give dead channels to those whose rounding costs most, first."
    )
    absorb_bias: bool = Field(default=False, description="Move high biases into the next layer first.")
    float_layers: tuple[str, ...] = Field(default=(), description="Nodes to be left in float.")
    ranges: Literal["minmax", "percentile", "mse", "entropy"] = Field(
        default="mse", description="How the ends of an activation's grid are found."
    )
    percentile: float = Field(
        default=99.99, gt=50, le=100, description='Percent of the values that "percentile" keeps at either end.'
    )
    weights: Literal["per-channel", "per-tensor"] = Field(
        default="per-channel", description="One scale of weights an output channel, or one a layer."
    )
    weight_ranges: Literal["max", "mse", "percentile"] = Field(
        default="max", description="How the end of a weight's grid is found."
    )
    rounding: Literal["nearest", "second-moments", "adaround"] = Field(
        default="nearest", description="How weights are rounded on their grid."
    )
    bias_correction: Literal["none", "analytic", "empirical"] = Field(
        default="empirical", description="Take the mean error that rounding makes out of the biases."
    )
    learn_blocks: bool = Field(
        default=False, description="Then learn roundings and biases, block by block, by gradient."
    )
    learn_ranges: bool = Field(default=False, description="Learn the grids of activations by gradient.")
    distill: int = Field(default=0, ge=0, description="Steps of fine-tuning by distillation from the float network.")
    seed: int = Field(default=0, ge=0, description="Of everything that is drawn.")
    held_back: float = Field(
        default=0.2, gt=0, lt=1, description="Share of the samples that techniques which learn do not see."
    )

    @field_validator("bias_correction", mode="before")
    @classmethod
    def _yes_or_no(cls, value: object) -> object:
        return {True: "empirical", False: "none"}[value] if isinstance(value, bool) else value

    @property
    def changes_network(self) -> bool:
        """Starts from another float network that computes the same."""
        return self.equalize or self.even_streams or self.absorb_bias or self.spare_channels

    @property
    def learns(self) -> bool:
        """Fits so many numbers to the samples that it could fit them alone."""
        return self.rounding != "nearest" or self.learn_blocks or self.learn_ranges or self.distill > 0

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

    @property
    def weight_range(self) -> WeightRange:
        methods: dict[str, WeightRange] = {
            "max": max_end,
            "mse": mse_end,
            "percentile": partial(percentile_end, percentile=self.percentile),
        }
        return methods[self.weight_ranges]


RECIPES = {
    "best": Recipe(
        name="best",
        even_streams=True,
        spare_channels=True,
        ranges="mse",
        rounding="second-moments",
        bias_correction="empirical",
        learn_blocks=True,
        distill=300,
    ),
    "default": Recipe(
        name="default",
        even_streams=True,
        spare_channels=True,
        ranges="mse",
        rounding="second-moments",
        bias_correction="empirical",
    ),
    "equalized": Recipe(
        name="equalized",
        equalize=True,
        even_streams=True,
        spare_channels=True,
        ranges="mse",
        rounding="second-moments",
        bias_correction="empirical",
    ),
    "fast": Recipe(name="fast", ranges="mse", bias_correction="empirical"),
    "minmax": Recipe(name="minmax", ranges="minmax", bias_correction="none"),
    "percentile": Recipe(name="percentile", ranges="percentile", bias_correction="none"),
    "mse": Recipe(name="mse", ranges="mse", bias_correction="none"),
    "entropy": Recipe(name="entropy", ranges="entropy", bias_correction="none"),
}
"""The built-in ones. Those named for a range method do nothing else, so that they show what it is worth."""

LADDER = ("fast", "default", "equalized", "best")
"""Built-in recipes from the cheapest up, as `--recipe auto` climbs them. `minmax` takes as long as `fast`."""


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
