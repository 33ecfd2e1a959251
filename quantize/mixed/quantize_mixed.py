"""`--mixed`: quantise, and leave the cheapest set of layers in float that keeps the loss to what was asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ...errors import QuantizeError
from ...inputs.calibration import CalibrationData
from ..fitted import Fitted, Progress, Task
from ..held_back import split
from ..loss import measure_loss
from ..quantize import quantize
from ..recipes import Recipe
from ..summary import Quantization
from .cost import CostBy, layer_costs, neighbours
from .found import Mixed
from .smallest_set import smallest_set
from .variants import SAMPLES, Variants

__all__ = ["quantize_mixed"]

_ROUNDS = 4
"""A set that keeps to the goal on the samples seen and misses it on those held back is searched for again, with a goal
that is as much lower; at most so often, since each time a little of the samples held back is learned."""


def quantize_mixed(
    source: Path,
    destination: Path,
    data: CalibrationData,
    recipe: Recipe,
    *,
    max_loss: float,
    by: CostBy = "macs",
    samples: int = SAMPLES,
    activations: Literal["uint8", "int8"] = "uint8",
    saturation_safe: bool = False,
    progress: Progress | None = None,
) -> Quantization:
    """Write the QDQ file of `recipe` with as few layers in float as will do.

    max_loss: rms error of the outputs in percent of their spread in float, on samples held back. by: what the layers in
    float should have little of. samples: of those seen, so many measure each set. Whether the goal was reached is for
    the caller to look at, in `Quantization.mixed`. Raises what `quantize` raises, and QuantizeError for data of one
    photo, and where every layer would have to stay in float.
    """
    seen, held = split(data, recipe.held_back)
    if not len(held):
        raise QuantizeError(data.name, "nothing can be held back to judge the set on", accepted="two photos or more")
    search = _Search(held, max_loss / 100, by, samples)
    found = quantize(
        source,
        destination,
        seen,
        recipe,
        activations=activations,
        saturation_safe=saturation_safe,
        held=held,
        leave=search.leave,
        progress=progress,
    )
    if search.found is None:
        raise ValueError("the search was not asked")
    loss = 100 * found.losses["held back"].relative
    asked = [*recipe.float_layers, *search.found.float_layers]
    return replace(
        found,
        settings={**found.settings, "float_layers": tuple(dict.fromkeys(asked))},
        calibration=replace(found.calibration, name=data.name, count=len(data)),
        mixed=replace(search.found, loss=loss, reached=loss <= max_loss),
    )


@dataclass
class _Search:
    held: CalibrationData
    most: float
    by: CostBy
    samples: int
    found: Mixed | None = None

    def leave(self, task: Task, fitted: Fitted) -> tuple[str, ...]:
        variants = Variants(task, fitted, samples=self.samples)
        costs = layer_costs(task.model, variants.layers, self.by)
        near = neighbours(task.model, variants.layers)
        goal = self.most

        def loss_of(floats: frozenset[str]) -> float:
            task.told("sets of layers in float measured", variants.measured, 0)
            return variants.loss(floats)

        for _ in range(_ROUNDS):
            chosen = smallest_set(costs, loss_of, goal, near=near)
            if len(chosen.floats) == len(costs):
                raise QuantizeError(
                    task.where,
                    f"keeps to a loss of {100 * self.most:g} % only with every layer in float",
                    accepted=f"more than that; with all in int8 it loses {100 * variants.loss(()):.3g} %",
                )
            network = variants.network(chosen.floats)
            held = measure_loss(task.model, network, self.held, where=task.where).relative
            if held <= self.most or not chosen.reached:
                break
            goal = chosen.loss * self.most / held
        self.found = Mixed(
            max_loss=100 * self.most,
            loss=100 * held,
            loss_seen=100 * chosen.loss,
            all_int8=100 * variants.loss(()),
            reached=held <= self.most,
            by=self.by,
            cost_share=chosen.cost / sum(costs.values()),
            float_layers=chosen.floats,
            single={layer: 100 * variants.loss({layer}) for layer in variants.layers},
            sets=variants.measured,
        )
        return chosen.floats
