"""Learned ranges: scales and zero points of activations by gradient, from what they do to the network's outputs.

LSQ (Esser et al. 2020, arXiv:1902.08153) and LSQ+ (Bhalgat et al. 2020, arXiv:2004.09576), with weights and biases
held: a range by mean squared error weighs every value of a tensor alike, this one by what the outputs make of it.
"""

from __future__ import annotations

from ..fake.network import FakeNetwork
from ..fitted import Fitted, Task
from .fine_tune import Learned, fine_tune

__all__ = ["learn_ranges", "learned_grids"]

_STEPS = 200
_SCALE = 0.3
"""How far a scale may go, by itself."""
_ZERO_POINT = 6.0
"""Codes that a zero point may go."""


def learn_ranges(task: Task, fitted: Fitted, *, seed: int = 0, steps: int = _STEPS, augment: bool = True) -> Fitted:
    """`fitted` with other grids of activations, the codes of weights and the biases as they are.

    See `fine_tune` for the samples, memory and when it is no better. Grids that are known beforehand stay.
    """
    network = FakeNetwork(task, fitted)
    fine_tune(network, learned_grids(network), steps=steps, seed=seed, what="learn ranges", augment=augment)
    return network.fitted()


def learned_grids(network: FakeNetwork) -> list[Learned]:
    """The scale of every grid that is free, and the zero point where values lie on both sides of zero."""
    learned = []
    for grid in dict.fromkeys(network.grids.values()):
        if grid.fixed:
            continue
        learned.append(Learned(grid.scale, _SCALE * float(grid.scale)))
        if 0.0 < float(grid.zero_point) < grid.most:
            learned.append(Learned(grid.zero_point, _ZERO_POINT))
    return learned
