"""The layers of a QDQ file one after another, each with the codes that the reference gave for those before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..errors import InputError
from ..runtime.interface import Runtime
from .cut import Layer, find_layers
from .layer_session import Codes
from .translate import Translate, Translator

__all__ = ["REFERENCE", "FedLayer", "FedLayers"]

REFERENCE = "onnxruntime"
"""The runtime whose codes every layer is fed with and compared against."""


@dataclass(frozen=True)
class FedLayer:
    """One layer, its files as far as they are asked for, and for each sample what it reads and what it should make.

    Valid until the next layer is asked for: then its files are removed, and codes that no later layer reads forgotten.
    """

    layer: Layer
    files: Translator
    given: Sequence[Codes]
    made: Sequence[Codes]


class FedLayers:
    """Iterate over it once. data: samples of the network's own inputs, of which the first `samples` are used.

    folder: where a layer's files are written. translate: writes one cut for one file ending (default: the exporters).
    Raises InputError if `data` is empty and GraphError; iterating, RuntimeUnavailable and RunError if the reference
    itself fails.
    """

    def __init__(
        self,
        model: ir.Model,
        data: Iterable[Mapping[str, NDArray[np.float32]]],
        folder: Path,
        reference: Runtime,
        *,
        samples: int = 2,
        translate: Translate | None = None,
    ) -> None:
        self.layers = find_layers(model)
        self._model, self._folder, self._reference, self._translate = model, folder, reference, translate
        self._codes: list[Codes] = [dict(sample) for sample in islice(iter(data), samples)]
        if not self._codes:
            raise InputError("check", "no samples to check with", accepted="at least one")

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[FedLayer]:
        last_use = {tensor.codes: at for at, layer in enumerate(self.layers) for tensor in layer.reads}
        for at, layer in enumerate(self.layers):
            files = Translator(self._model, layer, self._folder, self._translate)
            made = self._made(layer, files)
            yield FedLayer(layer, files, self._codes, made)
            for sample, outputs in zip(self._codes, made, strict=True):
                sample.update(outputs)
                for name in [name for name in sample if last_use.get(name, at) <= at and name in last_use]:
                    del sample[name]
            files.remove()

    def _made(self, layer: Layer, files: Translator) -> list[Codes]:
        names = [tensor.codes for tensor in layer.reads] + list(layer.floats)
        with self._reference.open(files.reference()) as session:
            found = [session.run({name: sample[name] for name in names}) for sample in self._codes]
        return [{tensor.codes: outputs[tensor.codes] for tensor in layer.makes} for outputs in found]
