"""Each layer's weights rounded against what the quantised network feeds it, one layer after the other.

A layer's error over its inputs x is (W − Q)·x: its mean goes into the bias, its variance is quadratic in Q with the
covariance of x (`second_moments`), and `quadratic` finds the codes. The inputs come from the network whose earlier
layers are rounded already, as the layer will read them. Scales and grids stay as they are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..calibration.second_moments import SecondMoments
from ..calibration.staged import Staged
from ..fitted import Fitted, Task
from ..layer import Layer, RoundedLayer
from .quadratic import round_quadratic
from .weights import fit_accumulator

__all__ = ["RIDGE", "RIDGE_PER_TENSOR", "round_by_second_moments", "round_layer"]

RIDGE = 0.3
"""Of the diagonal's mean: for one scale a filter, where nearest codes are good and much is learned of few samples."""
RIDGE_PER_TENSOR = 0.01
"""For one scale a layer: nearest codes are bad, and a pull to them costs more than what samples do not show."""


def round_by_second_moments(task: Task, fitted: Fitted, *, ridge: float = RIDGE) -> Fitted:
    """Codes and biases for every layer with weights; see above. Memory: one layer's second moments."""
    rounded = dict(fitted.rounded)
    layers = task.placement.layers
    with Staged(task) as staged:
        for index, layer in enumerate(layers):
            grid = fitted.grids[layer.source]
            moments = SecondMoments(layer)
            later = [after.source for after in layers[index + 1 :]]
            for codes in staged.codes(layer.source, replace(fitted, rounded=rounded), later):
                moments.add(grid.dequantize(codes))
            again = round_layer(layer, rounded[layer.name], moments, limit=task.limit, ridge=ridge)
            rounded[layer.name] = fit_accumulator(again, layer, float(grid.scale[0]), limit=task.limit)
            task.told("round", index + 1, len(layers))
    return replace(fitted, rounded=rounded)


def round_layer(
    layer: Layer, rounded: RoundedLayer, moments: SecondMoments, *, limit: int, ridge: float = RIDGE
) -> RoundedLayer:
    """Codes on the scales of `rounded`, and the bias b + (W − Q)·E[x]."""
    groups, width = moments.means().shape
    weight = layer.weight.astype(np.float64).reshape(groups, -1, width)
    scale = rounded.scale.astype(np.float64).reshape(groups, -1)
    codes = round_quadratic(weight, scale, moments.covariance(), ridge=ridge, limit=limit)
    left: NDArray[np.float64] = weight - scale[..., None] * codes
    mean = np.einsum("grk,gk->gr", left, moments.means()).reshape(-1)
    bias = (layer.bias.astype(np.float64) + mean).astype(np.float32)
    return RoundedLayer(codes.reshape(layer.weight.shape), rounded.scale, bias)
