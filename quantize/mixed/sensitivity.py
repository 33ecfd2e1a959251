"""Which layers int8 costs most: each alone in int8, and each alone in float."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .variants import Variants

__all__ = ["Sensitivity", "sensitivities"]

Tick = Callable[[int, int], None]
"""Called as tick(done, total)."""


@dataclass(frozen=True)
class Sensitivity:
    """One layer. Both losses are shares of the output's spread, see `Variants.loss`.

    alone: with this layer in int8 and all others in float; what it costs by itself. rest: with this layer in float and
    all others in int8; what is left without it. The two orders differ where errors of layers cancel, or where a layer
    between two float ones gets rid of the rounding of its input and output, too.
    """

    layer: str
    alone: float
    rest: float


def sensitivities(variants: Variants, *, tick: Tick | None = None) -> tuple[Sensitivity, ...]:
    """Of every layer with weights, in the order of the graph: two runs over the samples a layer."""
    layers, found = variants.layers, []
    for done, layer in enumerate(layers):
        others = frozenset(layers) - {layer}
        found.append(Sensitivity(layer, variants.loss(others), variants.loss({layer})))
        if tick is not None:
            tick(done + 1, len(layers))
    return tuple(found)
