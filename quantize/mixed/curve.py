"""Loss against size and multiply-accumulates in float: a few sets of layers on the way from all int8 to all float."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .cost import CostBy, layer_costs, neighbours
from .smallest_set import Step, forward
from .variants import Variants

__all__ = ["SHARES", "Point", "curve"]

SHARES = (1.0, 0.85, 0.7, 0.55, 0.4, 0.25, 0.1, 0.0)
"""Of the loss of all layers in int8: the first set that comes down to each is a point of the curve."""


@dataclass(frozen=True)
class Point:
    """One set of layers in float. loss: a share of the output's spread, see `Variants.loss`. float_macs: share of the
    network's multiply-accumulates that is in float. weight_bytes: of weights and biases, int8 weights with an int32
    bias and a float32 scale a channel; the file's own overhead is not in it.
    """

    float_layers: tuple[str, ...]
    loss: float
    float_macs: float
    weight_bytes: int


def curve(variants: Variants, *, by: CostBy = "macs", tick: Callable[[int, int], None] | None = None) -> list[Point]:
    """Greedy from nothing in float: for each of `SHARES` the first set that comes down to it.

    by: what a layer in float costs while choosing. A set that is not better than the one before is left out; the last
    is the float network.
    """
    costs = layer_costs(variants.model, variants.layers, by)
    points: list[Point] = []
    left = list(SHARES[:-1])
    first = None
    for step in forward(costs, variants.loss, near=neighbours(variants.model, variants.layers)):
        first = step.loss if first is None else first
        if tick is not None:
            tick(len(step.floats), len(costs))
        if left and step.loss <= left[0] * first:
            points.append(_point(variants, step))
            left = [share for share in left if step.loss > share * first]
        if not left or not first:
            break
    if not points or len(points[-1].float_layers) < len(variants.layers):
        points.append(_point(variants, Step(frozenset(variants.layers), 0.0, 0.0)))
    return points


def _point(variants: Variants, step: Step) -> Point:
    layers = variants.layers
    macs = layer_costs(variants.model, layers, "macs")
    total = sum(macs.values())
    return Point(
        float_layers=tuple(name for name in layers if name in step.floats),
        loss=step.loss,
        float_macs=sum(macs[name] for name in step.floats) / total if total else 0.0,
        weight_bytes=sum(variants.weight_bytes(name, in_float=name in step.floats) for name in layers),
    )
