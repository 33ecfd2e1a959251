"""Each rule on its own: what it looks at, from which value on, and what a recipe has done already."""

from __future__ import annotations

from typing import Any

import pytest
from sepia.quantize.diagnosis.explanation import ActivationFacts, Hint, PartError, WeightFacts
from sepia.quantize.diagnosis.hints import hints_for


def weights(**changes: Any) -> WeightFacts:
    facts = {
        "per_channel": False, "sqnr_db": 20.0, "low": -1.0, "high": 1.0, "widest": 2, "narrowest": 0, "ratio": 2.0,
        "codes_used": 60,
    }  # fmt: skip
    return WeightFacts(**{**facts, **changes})


def activation(**changes: Any) -> ActivationFacts:
    facts = {
        "scale": 0.1, "zero_point": 0, "low": 0.0, "high": 25.5, "seen_low": 0.0, "seen_high": 25.0,
        "clipped_low": 0.0, "clipped_high": 0.0, "codes": 256, "unused": 10,
    }  # fmt: skip
    return ActivationFacts(**{**facts, **changes})


def hints(**changes: Any) -> list[Hint]:
    given: dict[str, Any] = {
        "layer": "net.dw", "average": 0.1, "weights": PartError(0.01, 0.05, 0.0),
        "activation": PartError(0.01, 0.05, 0.0),
        "weight_facts": weights(), "activation_facts": activation(), "shift": 0.0, "dead": (), "settings": {},
    }  # fmt: skip
    return list(hints_for(**{**given, **changes}))


def test_a_layer_of_average_error_and_sound_grids_has_none() -> None:
    assert hints() == []


@pytest.mark.parametrize(
    ("ratio", "per_channel", "told"), [(600.0, False, True), (15.0, False, False), (600.0, True, False)]
)
def test_unequal_channels_on_one_scale(ratio: float, per_channel: bool, told: bool) -> None:
    found = hints(weight_facts=weights(ratio=ratio, per_channel=per_channel, codes_used=0))
    assert [("1:600" in hint.cause and 'weights = "per-channel"' in hint.remedy) for hint in found] == [True] * told


@pytest.mark.parametrize(("share", "told"), [(0.12, True), (0.005, False)])
def test_clipping(share: float, told: bool) -> None:
    found = hints(activation_facts=activation(clipped_high=share, seen_high=40.0))
    assert len(found) == told
    assert all(
        "12.0% of its values are clipped at the top: the grid ends at 25.5, they at 40" in h.cause for h in found
    )


def test_a_grid_wider_than_its_values_and_one_with_few_far_out_differ() -> None:
    (wide,) = hints(activation_facts=activation(unused=200, seen_high=5.0))
    assert "5.1 times as wide as its values" in wide.cause
    (far,) = hints(activation_facts=activation(unused=200))
    assert "200 of 256 codes are not used" in far.cause
    (again,) = hints(activation_facts=activation(unused=200), settings={"ranges": "mse"})
    assert again.remedy == 'ranges = "percentile"'


@pytest.mark.parametrize(
    ("of_weights", "of_grid", "settings", "remedy"),
    [
        (0.5, 0.1, {}, 'rounding = "second-moments"'),
        (0.5, 0.1, {"rounding": "second-moments"}, 'learn_blocks = true, or float_layers = ["net.dw"]'),
        (0.5, 0.1, {"rounding": "second-moments", "learn_blocks": True}, 'float_layers = ["net.dw"]'),
        (0.1, 0.5, {}, 'learn_ranges = true, or float_layers = ["net.dw"]'),
        (0.1, 0.5, {"learn_ranges": True}, 'float_layers = ["net.dw"]'),
        (0.3, 0.3, {}, 'float_layers = ["net.dw"]'),
    ],
)
def test_what_dominates_a_layer_that_stands_out(
    of_weights: float, of_grid: float, settings: dict[str, Any], remedy: str
) -> None:
    found = hints(weights=PartError(0.1, of_weights, 0.0), activation=PartError(0.1, of_grid, 0.0), settings=settings)
    assert [hint.remedy for hint in found] == [remedy]


def test_a_constant_error_is_for_bias_correction_unless_that_was_done() -> None:
    big = {"weights": PartError(0.1, 0.5, 0.0), "shift": 0.6}
    assert hints(**big)[0].remedy == 'bias_correction = "empirical"'
    assert "60% of its own error" in hints(**big)[0].cause
    assert all("bias" not in hint.remedy for hint in hints(**big, settings={"bias_correction": "analytic"}))


def test_dead_channels_are_harmless() -> None:
    (found,) = hints(dead=(1, 4, 5, 9))
    assert found.cause == "4 channels never changed on these samples (1, 4, 5, …)"
    assert found.harmless
