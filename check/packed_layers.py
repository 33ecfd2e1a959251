"""The layers of a QDQ file, each packed for a runtime of another machine, with what is right for it.

There the same int8 inputs go through the same files; here the codes that come back are compared with those of the same
runtime on this machine and with the reference's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import GraphError, RunError, UnsupportedOps
from ..graph.load import load_graph
from ..runtime import RUNTIMES
from ..runtime.interface import Runtime
from .cut import Layer
from .difference import CodeDifference, compare_codes
from .fed_layers import REFERENCE, FedLayer, FedLayers
from .layer_session import Codes, LayerTensors
from .packed import Packed, pack, reader_like
from .translate import Translate

__all__ = ["PackedLayer", "pack_layers"]

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class PackedLayer:
    """One layer for one runtime. reference: what the reference gave, sample by sample.

    here: what the same runtime gives on this machine; None where it isn't installed. packed, tensors: None where
    `failure` says why this layer has no file that the runtime reads, or does not run on this machine either.
    """

    layer: Layer
    runtime: str
    reference: tuple[Codes, ...] = ()
    here: tuple[Codes, ...] | None = None
    packed: Packed | None = None
    tensors: LayerTensors | None = None
    failure: str = ""

    def compare(self, outputs: Path) -> tuple[CodeDifference | None, CodeDifference]:
        """How far the outputs made elsewhere are from the same runtime's here and from the reference's.

        Raises RunError if they are not outputs of this layer at all.
        """
        if self.packed is None or self.tensors is None:
            raise ValueError(f"{self.layer.name}: nothing was packed, so nothing can have come back")
        found = [self.tensors.codes(arrays) for arrays in self.packed.read(outputs)]
        return None if self.here is None else _difference(found, self.here), _difference(found, self.reference)


def pack_layers(
    qdq: Path,
    runtimes: Sequence[str],
    data: Iterable[Mapping[str, NDArray[np.float32]]],
    folder: Path,
    *,
    samples: int = 2,
    progress: Progress | None = None,
    known: Mapping[str, Runtime] = RUNTIMES,
    translate: Translate | None = None,
) -> tuple[PackedLayer, ...]:
    """Every layer that reads and makes codes, for every one of `runtimes`, each in a folder of its own in `folder`.

    Options and errors as of `check_layers`; OutputError, too. A runtime need not be installed here, if another one
    that reads its format is.
    """
    found: list[PackedLayer] = []
    with tempfile.TemporaryDirectory(prefix="sepia-check-") as cuts:
        fed_layers = FedLayers(
            load_graph(qdq), data, Path(cuts), known[REFERENCE], samples=samples, translate=translate
        )
        for at, fed in enumerate(fed_layers):
            if progress is not None:
                progress(fed.layer.name, at, len(fed_layers))
            if fed.layer.comparable:
                found += [_packed(fed, known[name], folder / name / f"{at:03}", known) for name in runtimes]
    if progress is not None:
        progress("layers", len(fed_layers), len(fed_layers))
    return tuple(found)


def _packed(fed: FedLayer, runtime: Runtime, folder: Path, known: Mapping[str, Runtime]) -> PackedLayer:
    try:
        file = fed.files.file(runtime)
        reader = reader_like(runtime, known)
        with reader.open(file) as session:
            tensors = LayerTensors(fed.layer, session.inputs, session.outputs, file)
            feeds = [tensors.feeds(sample) for sample in fed.given]
            here = tuple(tensors.codes(session.run(feed)) for feed in feeds) if reader is runtime else None
            packed = pack(file, session.outputs, feeds, folder)
    except (GraphError, RunError, UnsupportedOps) as error:
        return PackedLayer(fed.layer, runtime.name, failure=str(error))
    return PackedLayer(fed.layer, runtime.name, tuple(fed.made), here, packed, tensors)


def _difference(found: Sequence[Codes], expected: Sequence[Codes]) -> CodeDifference:
    compared = (
        compare_codes(codes[name], wanted[name])
        for codes, wanted in zip(found, expected, strict=True)
        for name in wanted
    )
    return sum(compared, start=CodeDifference())
