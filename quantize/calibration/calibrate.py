"""Calibration: the float network runs over the data once, and what its tensors do is remembered in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ...errors import QuantizeError
from ..layer import Layer
from .ahead import ahead
from .engine import Engine
from .observed import Observed
from .tap_means import TapMeans

__all__ = ["Calibration", "Samples", "observe"]

Samples = Iterable[Mapping[str, NDArray[np.float32]]]
Tick = Callable[[], None]


@dataclass(frozen=True)
class Calibration:
    """observed: by value name. means: by layer name, [C_in, taps], see `TapMeans`. samples: how many were seen."""

    observed: Mapping[str, Observed]
    means: Mapping[str, NDArray[np.float64]]
    samples: int


def observe(
    model: ir.Model,
    watched: Sequence[str],
    layers: Sequence[Layer],
    data: Samples,
    *,
    constants: Mapping[str, Observed],
    histogram: bool,
    where: str,
    tick: Tick,
) -> Calibration:
    """Run the float `model` over `data`, watch the values named and the inputs of `layers`.

    constants: observed beforehand; they join the others.
    histogram: whether the range method needs one. Raises QuantizeError for no samples, NaN or infinite values.
    """
    observed = {name: Observed(histogram=histogram) for name in watched}
    means = {layer.name: TapMeans(layer) for layer in layers}
    sources = dict.fromkeys([*watched, *(layer.source for layer in layers)])
    samples = 0
    with closing(_values(Engine(model, list(sources), where=where), data)) as stream:
        for values in stream:
            for name, watch in observed.items():
                watch.add(values[name])
                if not watch.finite:
                    raise _not_finite(where, name, samples)
            for layer in layers:
                means[layer.name].add(values[layer.source])
            samples += 1
            tick()
    if not samples:
        raise QuantizeError(where, "the calibration data has no samples", accepted="one sample or more")
    return Calibration({**observed, **constants}, {name: mean.means() for name, mean in means.items()}, samples)


def _values(engine: Engine, data: Samples) -> Generator[dict[str, NDArray[Any]], None, None]:
    """Reading, inference and what the caller does with it run side by side, each in a thread: two cores are busy."""
    yield from ahead(engine.run(sample) for sample in ahead(data))


def _not_finite(where: str, name: str, sample: int) -> QuantizeError:
    return QuantizeError(
        where,
        f"tensor '{name}' is NaN or infinite for calibration sample {sample}",
        accepted="finite activations",
        hint="check how the inputs are prepared, and the weights of the layers before it",
    )
