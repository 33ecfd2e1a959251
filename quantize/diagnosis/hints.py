"""What would mend a layer, in the words of a recipe: rules of thumb on what the diagnosis has measured.

Each rule looks at one fact. A layer that adds little gets no hint for its size, but one whose grid is plainly wrong
gets one anyway: it may matter for data that was not among the samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .explanation import ActivationFacts, Hint, PartError, WeightFacts

__all__ = ["hints_for"]

_UNEQUAL = 16.0
"""Channel ranges this far apart on one grid leave the narrowest with 4 of 8 bits."""
_CLIPPED = 0.01
"""MSE and entropy clip on purpose, about one value in a thousand; a hundredth is a mistake."""
_UNUSED = 0.5
"""A range twice as wide as its values costs one bit."""
_SHIFT = 0.3
"""Share of a layer's own error that is a constant, from which on biases are worth correcting."""
_DOMINATES = 2.0
"""A part dominates where its mean square is this many times the other's."""
_STANDS_OUT = 2.0
"""A layer stands out where it adds this many times what an average one does."""


def hints_for(
    *,
    layer: str,
    average: float,
    weights: PartError | None,
    activation: PartError | None,
    weight_facts: WeightFacts | None,
    activation_facts: ActivationFacts | None,
    shift: float,
    dead: tuple[int, ...],
    settings: Mapping[str, Any],
) -> tuple[Hint, ...]:
    """Hints for one layer, the plainest first. average: share of the error that an average layer adds. settings: of the
    recipe, empty where nobody knows it: what it has done already is not advised again.
    """
    found: list[Hint] = []
    share = sum(part.share for part in (weights, activation) if part is not None)
    if weight_facts is not None:
        found += _unequal(weight_facts)
    if activation_facts is not None:
        found += _clipped(activation_facts) or _too_wide(activation_facts, settings)
    if share >= _STANDS_OUT * average:
        if shift > _SHIFT and settings.get("bias_correction", "none") == "none":
            cause = f"{shift:.0%} of its own error is a constant a channel"
            found.append(Hint(cause, 'bias_correction = "empirical"'))
        found += _dominating(layer, weights, activation, settings)
    if dead:
        found.append(Hint(_dead(dead), "if they should fire, calibrate on data that shows it", harmless=True))
    return tuple(found)


def _unequal(facts: WeightFacts) -> list[Hint]:
    if facts.per_channel or facts.ratio is None or facts.ratio < _UNEQUAL:
        return []
    cause = (
        f"channel ranges 1:{facts.ratio:.3g} on a per-tensor grid: channel {facts.narrowest} has "
        f"{2 * (facts.codes_used or 0) + 1} of 255 codes, channel {facts.widest} sets the scale"
    )
    return [Hint(cause, 'weights = "per-channel"; where a runtime has no such kernel, equalize = true')]


def _clipped(facts: ActivationFacts) -> list[Hint]:
    found = []
    for end, clipped, seen, limit in (
        ("bottom", facts.clipped_low, facts.seen_low, facts.low),
        ("top", facts.clipped_high, facts.seen_high, facts.high),
    ):
        if clipped > _CLIPPED:
            cause = (
                f"{clipped:.1%} of its values are clipped at the {end}: "
                f"the grid ends at {limit:.4g}, they at {seen:.4g}"
            )
            found.append(Hint(cause, 'ranges = "minmax", or calibrate on data like this'))
    return found


def _too_wide(facts: ActivationFacts, settings: Mapping[str, Any]) -> list[Hint]:
    reached = max(facts.seen_high, 0.0) - min(facts.seen_low, 0.0)
    span = facts.high - facts.low
    if reached <= 0.0 or not facts.codes or facts.unused / facts.codes <= _UNUSED:
        return []
    if reached < _UNUSED * span:
        cause = (
            f"its grid is {span / reached:.3g} times as wide as its values: "
            f"[{facts.low:.4g}, {facts.high:.4g}] for [{facts.seen_low:.4g}, {facts.seen_high:.4g}]"
        )
        return [Hint(cause, "calibrate on data like this; limit the range with a Clip")]
    cause = f"few values are far out: {facts.unused} of {facts.codes} codes are not used"
    remedy = 'ranges = "percentile"' if settings.get("ranges") == "mse" else 'ranges = "mse" or "percentile"'
    return [Hint(cause, remedy)]


def _dominating(
    layer: str, weights: PartError | None, activation: PartError | None, settings: Mapping[str, Any]
) -> list[Hint]:
    of_weights = weights.share if weights is not None else 0.0
    of_grid = activation.share if activation is not None else 0.0
    leave = f'float_layers = ["{layer}"]'
    if of_weights > _DOMINATES * of_grid:
        if settings.get("rounding", "nearest") == "nearest":
            return [Hint("its weights dominate", 'rounding = "second-moments"')]
        learned = bool(settings.get("learn_blocks", False))
        return [Hint("its weights dominate", leave if learned else f"learn_blocks = true, or {leave}")]
    if of_grid > _DOMINATES * of_weights:
        learned = bool(settings.get("learn_ranges", False))
        return [Hint("its activation dominates", leave if learned else f"learn_ranges = true, or {leave}")]
    return [Hint("weights and activation add about alike", leave)]


def _dead(channels: tuple[int, ...]) -> str:
    named = ", ".join(str(channel) for channel in channels[:3]) + (", …" if len(channels) > 3 else "")
    return f"{len(channels)} channel{'s' if len(channels) > 1 else ''} never changed on these samples ({named})"
