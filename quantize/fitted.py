"""What a technique is given, and what it gives back: a whole quantisation in arrays, before the file is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import onnx_ir as ir

from ..graph.quantization import QuantParams
from ..inputs.calibration import CalibrationData
from .layer import RoundedLayer
from .placement import Placement

__all__ = ["Fitted", "Progress", "Refinement", "Task"]

Progress = Callable[[str, int, int], None]
"""Called as progress(what, done, total)."""


@dataclass(frozen=True)
class Fitted:
    """All that the QDQ file holds beside the graph.

    grids: by value name, for every value of the placement's groups; values of one group have the same one. rounded: by
    layer name. Whoever changes a grid rounds what reads it again: a bias has the scale s_in · s_w, an accumulator must
    fit (`rounding.weights.fit_accumulator`), and so must the multiplier (`rounding.round_layers`).
    """

    grids: Mapping[str, QuantParams]
    rounded: Mapping[str, RoundedLayer]


@dataclass(frozen=True)
class Task:
    """The network and the data.

    model: canonical float, with the weights of `placement.layers`; not to be changed. data: the samples to fit to,
    which may be gone through any number of times; those held back are not among them. activations: "uint8" or "int8".
    limit: largest magnitude of a weight's code. where: what errors call the model.
    """

    model: ir.Model
    placement: Placement
    data: CalibrationData
    activations: str
    limit: int
    where: str
    progress: Progress | None = None

    def told(self, what: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(what, done, total)


Refinement = Callable[[Task, Fitted], Fitted]
"""A technique that starts from a quantisation and gives back a better one. The same inputs give the same result."""
