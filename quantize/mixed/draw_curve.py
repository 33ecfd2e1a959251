"""The curve of a recipe as files: a QDQ file a point, and what each loses on samples that its set was not chosen on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...errors import QuantizeError
from ...graph.load import save_graph
from ...inputs.calibration import CalibrationData
from ..fitted import Fitted, Progress, Task
from ..held_back import split
from ..loss import Loss, measure_loss
from ..quantize import quantize
from ..recipes import Recipe
from .cost import CostBy
from .curve import Point, curve
from .sensitivity import Sensitivity, sensitivities
from .variants import SAMPLES, Variants

__all__ = ["Curve", "Drawn", "draw_curve"]


@dataclass(frozen=True)
class Drawn:
    """One point. loss: on samples held back; that of `point` is on those seen. path: of its file; of the last point,
    the float network that was given.
    """

    point: Point
    loss: Loss
    path: Path


@dataclass(frozen=True)
class Curve:
    """recipe: its name. by: what layers in float cost while choosing. sensitivity: of every layer with weights, in the
    order of the graph. points: from all layers in int8 to all in float.
    """

    recipe: str
    by: CostBy
    sensitivity: tuple[Sensitivity, ...]
    points: tuple[Drawn, ...]


def draw_curve(
    source: Path,
    file_of: Callable[[int], Path],
    data: CalibrationData,
    recipe: Recipe,
    *,
    by: CostBy = "macs",
    samples: int = SAMPLES,
    activations: Literal["uint8", "int8"] = "uint8",
    saturation_safe: bool = False,
    progress: Progress | None = None,
) -> Curve:
    """Quantise once, choose the points, write their files.

    file_of: where to write that of a point, by its number from 0; the last point, the float network, has none. samples:
    of those seen, so many measure each set. Raises what `quantize` raises, and QuantizeError for data of one photo.
    """
    seen, held = split(data, recipe.held_back)
    if not len(held):
        raise QuantizeError(data.name, "nothing can be held back to judge the points on", accepted="two photos or more")
    drawn: list[Drawn] = []
    layers: list[Sensitivity] = []

    def leave(task: Task, fitted: Fitted) -> tuple[str, ...]:
        variants = Variants(task, fitted, samples=samples)
        what = "layers on their own"
        layers.extend(sensitivities(variants, tick=lambda done, total: task.told(what, done, total)))
        points = curve(variants, by=by, tick=lambda done, total: task.told("layers in float", done, total))
        for number, point in enumerate(points):
            network = variants.network(point.float_layers)
            loss = measure_loss(task.model, network, held, where=task.where)
            path = source if number == len(points) - 1 else file_of(number)
            if path != source:
                save_graph(network, path)
            drawn.append(Drawn(point, loss, path))
        return ()

    quantize(
        source,
        file_of(0),
        seen,
        recipe,
        activations=activations,
        saturation_safe=saturation_safe,
        held=held,
        leave=leave,
        progress=progress,
    )
    return Curve(recipe.name, by, tuple(layers), tuple(drawn))
