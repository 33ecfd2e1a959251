"""Distillation: weights and biases fine-tuned so that the outputs come back to those of the float network.

Label-free. Each weight starts at its code and is rounded to nearest on its scale as it moves (straight through), so the
codes change only where the outputs gain by it. Grids stay as they are: `learned_ranges` moves those.
"""

from __future__ import annotations

from ..fake.network import FakeNetwork
from ..fitted import Fitted, Task
from .fine_tune import Learned, fine_tune

__all__ = ["distill"]

_WEIGHTS = 0.7
"""Steps of a weight's scale that it may go; half a step is another code."""
_BIASES = 0.3
"""Steps of the layer's output grid."""


def distill(task: Task, fitted: Fitted, *, steps: int, seed: int = 0, augment: bool = True) -> Fitted:
    """`fitted` after `steps` batches of learning; see `fine_tune` for the samples, memory and when it is no better."""
    network = FakeNetwork(task, fitted)
    learned = []
    for layer in network.layers.values():
        learned.append(Learned(layer.latent, _WEIGHTS))
        learned.append(Learned(layer.bias, _BIASES * float(network.grids[layer.layer.output].scale)))
    fine_tune(network, learned, steps=steps, seed=seed, what="distil", augment=augment)
    return network.fitted()
