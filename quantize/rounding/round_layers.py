"""All grids and all weights of a network, made to fit one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...graph.quantization import QuantParams
from ..fitted import Fitted
from ..grouping import Group
from ..layer import Layer, RoundedLayer
from ..ranges.group_range import GroupRange, group_grid
from .bias_correction import correct_bias
from .weight_ranges import WeightRange, max_end, weight_ends
from .weights import accumulator_scale, fit_accumulator, round_weights, weight_scale

__all__ = ["MOST_MULTIPLIER", "Means", "multiplier", "round_layers"]

Means = Mapping[str, NDArray[np.float64]]
"""Mean input by layer name, [C_in, taps]; empty: biases are not corrected."""

MOST_MULTIPLIER = 128.0
"""Greatest s_in · s_w / s_out; XNNPACK takes less than 256."""


def round_layers(
    groups: Sequence[Group],
    layers: Sequence[Layer],
    ranges: Sequence[GroupRange | None],
    means: Means,
    *,
    activations: str,
    limit: int,
    weight_range: WeightRange = max_end,
    per_tensor: bool = False,
) -> Fitted:
    """Grids for `groups` from their `ranges` (None: fixed), and `layers` rounded on them.

    A tensor whose range is next to nothing beside what its layer could put out would need a multiplier that kernels do
    not take; its range is widened until they do. That moves the grid of the layers that read it, so all are gone over
    again. Ranges only grow, so it ends. activations: "uint8" or "int8". limit: of the weights' codes.
    weight_range, per_tensor: the ends of their grids, one for each output channel or one a layer.
    """
    wide = list(ranges)
    ends = {layer.name: weight_ends(layer, weight_range, per_tensor=per_tensor, limit=limit) for layer in layers}
    while True:
        grids = {
            name: group_grid(group, found, activations)
            for group, found in zip(groups, wide, strict=True)
            for name in group.values
        }
        rounded = {layer.name: _round(layer, grids, means, ends[layer.name], limit, per_tensor) for layer in layers}
        narrow = _too_narrow(groups, layers, grids, rounded)
        if not narrow:
            return Fitted(grids, rounded)
        for index, factor in narrow.items():
            wide[index] = _widened(wide[index], factor, grids[groups[index].values[0]])


def _round(
    layer: Layer,
    grids: Mapping[str, QuantParams],
    means: Means,
    ends: NDArray[np.float64],
    limit: int,
    per_tensor: bool,
) -> RoundedLayer:
    scale_in, scale_out = (float(grids[name].scale[0]) for name in (layer.source, layer.output))
    scale = weight_scale(layer, scale_in, scale_out, limit=limit, ends=ends, per_tensor=per_tensor)
    rounded = round_weights(layer, scale, limit=limit)
    if layer.name in means:
        rounded = correct_bias(layer, rounded, means[layer.name])
    return fit_accumulator(rounded, layer, scale_in, limit=limit)


def multiplier(rounded: RoundedLayer, scale_in: float, scale_out: float) -> float:
    """The greatest s_in · s_w / s_out of a layer's channels: what its sums are multiplied with to become codes.

    Whoever changes a grid keeps it at `MOST_MULTIPLIER` or less.
    """
    return float(accumulator_scale(rounded, scale_in).max()) / scale_out


def _too_narrow(
    groups: Sequence[Group],
    layers: Sequence[Layer],
    grids: Mapping[str, QuantParams],
    rounded: Mapping[str, RoundedLayer],
) -> dict[int, float]:
    """Index of a group → how many times wider its range must be."""
    index = {name: number for number, group in enumerate(groups) for name in group.values}
    narrow: dict[int, float] = {}
    for layer in layers:
        scale_in, scale_out = (float(grids[name].scale[0]) for name in (layer.source, layer.output))
        ratio = multiplier(rounded[layer.name], scale_in, scale_out)
        number = index[layer.output]
        if ratio > MOST_MULTIPLIER and groups[number].fixed is None:
            narrow[number] = max(narrow.get(number, 0.0), 2.0 * ratio / MOST_MULTIPLIER)
    return narrow


def _widened(found: GroupRange | None, factor: float, grid: QuantParams) -> GroupRange:
    zero = int(grid.as_dtype("uint8").zero_point[0])
    step = float(grid.scale[0]) * factor
    return GroupRange(-zero * step, (255 - zero) * step, found.otherwise if found is not None else 1.0)
