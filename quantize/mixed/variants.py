"""One quantisation with some of its layers left in float: what each such set loses, measured once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...errors import QuantizeError
from ..calibration.engine import Engine
from ..fitted import Fitted, Task
from ..placement import Placement, place
from ..write_qdq import write_qdq

__all__ = ["SAMPLES", "Variants"]

SAMPLES = 32
"""Of the task's data, at most so many are run for every set: enough to tell layers apart, since all sets see the same
ones. A set that was chosen is judged on others."""

_Outputs = dict[str, NDArray[Any]]


class Variants:
    """Sets of layers in float. Memory: the float outputs of the samples, and one network at a time."""

    def __init__(self, task: Task, fitted: Fitted, *, samples: int = SAMPLES) -> None:
        """fitted: of the whole network, every layer of `task.placement` in int8. samples: at most so many, ≥ 1."""
        self._task, self._fitted = task, fitted
        self._names = [value.name or "" for value in task.model.graph.outputs if value.dtype == ir.DataType.FLOAT]
        every = max(len(task.data) // samples, 1)
        self.samples = list(islice(task.data, 0, every * samples, every))
        if not self.samples:
            raise QuantizeError(task.where, "the calibration data has no samples", accepted="one sample or more")
        exact = Engine(task.model, self._names, where=task.where)
        self._wanted: list[_Outputs] = [exact.run(sample) for sample in self.samples]
        self._power = {name: _spread([outputs[name] for outputs in self._wanted]) for name in self._names}
        self._found: dict[frozenset[str], float] = {}
        self._by_name = {layer.name: layer for layer in task.placement.layers}
        self.layers = tuple(self._by_name)

    @property
    def model(self) -> ir.Model:
        """The float network; not to be changed."""
        return self._task.model

    def weight_bytes(self, layer: str, *, in_float: bool) -> int:
        """Bytes of a layer's weights and bias: float32, or int8 codes, an int32 bias and a float32 scale a channel."""
        found = self._by_name[layer]
        return 4 * (found.weight.size + found.bias.size) if in_float else found.weight.size + 8 * found.channels_out

    @property
    def measured(self) -> int:
        """How many sets have been run so far."""
        return len(self._found)

    def placement(self, floats: Collection[str]) -> Placement:
        """With the layers `floats` in float, beside what the recipe leaves so in every set."""
        left = {row.node: row.reason for row in self._task.placement.left_float}
        return place(self._task.model, float_nodes=left | dict.fromkeys(floats, ""))

    def network(self, floats: Collection[str]) -> ir.Model:
        """The QDQ network with the layers `floats` in float; the float network itself where nothing is left in int8."""
        placement = self.placement(floats)
        if not placement.int8:
            return self._task.model
        return write_qdq(self._task.model, placement, self._fitted.grids, self._fitted.rounded)

    def loss(self, floats: Collection[str]) -> float:
        """rms error of the outputs against those of the float network, as a share of their spread (see `Loss`).

        floats: names of layers. Of several outputs, the worst. 0 is none, 1 is as bad as a constant.
        """
        key = frozenset(floats)
        if key not in self._found:
            self._found[key] = self._measure(key)
        return self._found[key]

    def _measure(self, floats: frozenset[str]) -> float:
        if not self.placement(floats).int8:
            return 0.0
        engine = Engine(self.network(floats), self._names, where=self._task.where)
        error = dict.fromkeys(self._names, 0.0)
        for wanted, sample in zip(self._wanted, self.samples, strict=True):
            found = engine.run(sample)
            for name in self._names:
                error[name] += float(np.square(found[name].astype(np.float64) - wanted[name]).sum())
        counts = {name: sum(outputs[name].size for outputs in self._wanted) for name in self._names}
        shares = (float(np.sqrt(error[name] / counts[name])) / self._power[name] for name in self._names)
        return max(shares, default=0.0)


def _spread(outputs: Sequence[NDArray[Any]]) -> float:
    """rms about the mean, over all samples; never zero."""
    values = np.concatenate([np.ravel(array) for array in outputs]).astype(np.float64)
    return max(float(values.std()), 1e-30)
