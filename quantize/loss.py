"""What a quantisation costs: its outputs against those of the float network, on the same samples, without labels."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..errors import QuantizeError
from .calibration.ahead import ahead
from .calibration.calibrate import Samples
from .calibration.engine import Engine

__all__ = ["Loss", "measure_loss"]

_Outputs = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Loss:
    """rms: of an output's error, in its own unit, over all samples. power: rms of the float output about its mean, so
    that rms / power compares networks. agreement: share of positions with the same greatest channel as in float; None
    for an output that has fewer than two channels. Each by output name. samples: how many were seen. top1: share of
    right answers of the "float" network and the "int8" one; None where nobody gave labels.
    """

    rms: Mapping[str, float]
    power: Mapping[str, float]
    agreement: Mapping[str, float | None]
    samples: int
    top1: Mapping[str, float] | None = None

    @property
    def relative(self) -> float:
        """The greatest rms / power of an output: 0 is none, 1 is as bad as a constant."""
        return max((self.rms[name] / max(self.power[name], 1e-30) for name in self.rms), default=0.0)


def measure_loss(model: ir.Model, qdq: ir.Model, data: Samples, *, where: str, labels: Sequence[int] = ()) -> Loss:
    """Run the float `model` and its QDQ form over `data`; both have the same inputs and float outputs.

    labels: the class of each sample, if anybody knows. Raises QuantizeError if a sample does not fit, or has a label
    that the one output [1, classes] does not.
    """
    names = [value.name or "" for value in model.graph.outputs if value.dtype == ir.DataType.FLOAT]
    sums = {name: _Sums() for name in names}
    exact, rounded = (Engine(one, names, where=where) for one in (model, qdq))
    samples, answers = 0, _Answers(names, labels, where)
    with closing(_pairs(exact, rounded, data)) as stream:
        for right, found in stream:
            for name in names:
                sums[name].add(right[name], found[name])
            answers.add(right, found)
            samples += 1
    return Loss(
        {name: total.rms for name, total in sums.items()},
        {name: total.power for name, total in sums.items()},
        {name: total.agreement for name, total in sums.items()},
        samples,
        answers.shares(),
    )


def _pairs(exact: Engine, rounded: Engine, data: Samples) -> Generator[tuple[_Outputs, _Outputs], None, None]:
    """(float, quantised): the two run side by side."""
    for right, sample in ahead((exact.run(sample), sample) for sample in ahead(data)):
        yield right, rounded.run(sample)


class _Answers:
    """Right ones of the two networks, where there are labels."""

    def __init__(self, names: Sequence[str], labels: Sequence[int], where: str) -> None:
        if labels and len(names) != 1:
            raise QuantizeError(where, f"has {len(names)} outputs in float", accepted="one of classes, to use labels")
        self._names, self._labels, self._where = names, labels, where
        self._right = {"float": 0, "int8": 0}
        self._seen = 0

    def add(self, exact: _Outputs, rounded: _Outputs) -> None:
        if not self._labels:
            return
        label, (name,) = self._labels[self._seen], self._names
        if exact[name].ndim != 2 or not 0 <= label < exact[name].shape[1]:
            shape = list(exact[name].shape)
            raise QuantizeError(self._where, f"gives {shape}, a sample is of class {label}", accepted="[N, classes]")
        for which, found in (("float", exact), ("int8", rounded)):
            self._right[which] += int(found[name][0].argmax() == label)
        self._seen += 1

    def shares(self) -> dict[str, float] | None:
        return {which: right / self._seen for which, right in self._right.items()} if self._seen else None


class _Sums:
    """Of one output, [N, C, …]."""

    def __init__(self) -> None:
        self.count = self.same = self.positions = 0
        self.error = self.total = self.square = 0.0

    def add(self, right: NDArray[Any], found: NDArray[Any]) -> None:
        wide = right.astype(np.float64)
        self.count += wide.size
        self.error += float(np.square(found - wide).sum())
        self.total += float(wide.sum())
        self.square += float(np.square(wide).sum())
        if right.ndim > 1 and right.shape[1] > 1:
            same = right.argmax(axis=1) == found.argmax(axis=1)
            self.same += int(same.sum())
            self.positions += same.size

    @property
    def rms(self) -> float:
        return float(np.sqrt(self.error / max(self.count, 1)))

    @property
    def power(self) -> float:
        mean = self.total / max(self.count, 1)
        return float(np.sqrt(max(self.square / max(self.count, 1) - mean**2, 0.0)))

    @property
    def agreement(self) -> float | None:
        return self.same / self.positions if self.positions else None
