"""Recipes by name and from files."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.errors import ConfigError
from sepia.quantize.calibration.observed import Observed
from sepia.quantize.recipes import RECIPES, recipe


@pytest.mark.parametrize("name", ["default", "fast", "minmax", "percentile", "mse", "entropy"])
def test_the_built_in_ones_go_by_their_names(name: str) -> None:
    assert recipe(name).name == name
    assert recipe(name) is RECIPES[name]


def test_those_named_for_a_method_use_it_and_nothing_else() -> None:
    for name in ("minmax", "percentile", "mse", "entropy"):
        assert recipe(name).ranges == name
        assert recipe(name).bias_correction == "none"
    assert not recipe("fast").learns and recipe("default").learns
    assert recipe("fast").bias_correction == recipe("default").bias_correction == "empirical"


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown recipe 'entropi'.*entropy.*TOML"):
        recipe("entropi")


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('ranges = "percentile"\npercentile = 99.5\n')
    found = recipe(path)
    assert (found.name, found.ranges, found.percentile, found.bias_correction) == (
        "mine",
        "percentile",
        99.5,
        "empirical",
    )
    observed = Observed(histogram=True)
    import numpy as np

    observed.add(np.append(np.linspace(-1, 1, 8000), 100.0).astype(np.float32))
    assert found.range_method(observed)[1] < 2.0


@pytest.mark.parametrize(("word", "meant"), [("true", "empirical"), ("false", "none"), ('"analytic"', "analytic")])
def test_bias_correction_is_yes_or_no_or_a_kind(word: str, meant: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"bias_correction = {word}\n")
    assert recipe(path).bias_correction == meant


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('range = "mse"', "unknown key 'range' (did you mean ranges"),
        ('ranges = "kl"', "ranges: Input should be 'minmax'"),
        ("percentile = 120", "percentile: Input should be less than or equal to 100"),
        ("ranges = ", "not TOML"),
        ("range = 1\nbias = true", "unknown key 'bias'"),
    ],
)
def test_every_fault_of_a_file_is_told(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        recipe(path)
    assert told in str(caught.value)
    assert "bad.toml" in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        recipe(tmp_path / "none.toml")


@pytest.mark.parametrize("name", RECIPES)
def test_a_histogram_is_kept_only_where_it_is_used(name: str) -> None:
    assert recipe(name).wants_histogram == (name != "minmax")
