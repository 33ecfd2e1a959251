"""Layer by layer: the same int8 inputs to every runtime, outputs compared in LSB.

A layer's inputs are the codes that the reference gave for the layers before it, so a difference is that layer's own and
never one that grew on the way. The reference is ONNX Runtime's integer kernels on the cut-out layer.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import GraphError, RunError, UnsupportedOps
from ..graph.load import load_graph
from ..runtime import RUNTIMES
from ..runtime.interface import Runtime
from .difference import CodeDifference, compare_codes
from .fed_layers import REFERENCE, FedLayer, FedLayers
from .layer_session import LayerSession
from .middles import middles
from .precision import float_ops
from .translate import Translate

__all__ = ["REFERENCE", "LayerParity", "check_layers"]

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class LayerParity:
    """One layer in one runtime. layer, op, kind: as in `cut.Layer`. codes: how many outputs were compared.

    equal: how many were the reference's. middle: how many others are 1 LSB off where the exact value lies in the middle
    of both (see `middles`). max_lsb: the greatest distance. float_ops: what the runtime ran in float of
    this layer, each "op (precision)"; None where it does not tell. failure: why the runtime gave no outputs; then
    nothing was compared.
    """

    layer: str
    op: str
    kind: str
    runtime: str
    codes: int
    equal: int
    max_lsb: int
    float_ops: tuple[str, ...] | None = ()
    failure: str = ""
    middle: int = 0

    @property
    def share(self) -> float:
        """Share of equal codes, in [0, 1]."""
        return self.difference.share

    @property
    def difference(self) -> CodeDifference:
        return CodeDifference(self.codes, self.equal, self.max_lsb, self.middle)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "share": self.share}


def check_layers(
    qdq: Path,
    runtimes: Sequence[str],
    data: Iterable[Mapping[str, NDArray[np.float32]]],
    *,
    samples: int = 2,
    progress: Progress | None = None,
    known: Mapping[str, Runtime] = RUNTIMES,
    translate: Translate | None = None,
) -> tuple[LayerParity, ...]:
    """Every layer of `qdq` that reads and makes codes, in every one of `runtimes`: a row each, in execution order.

    data: samples of the network's own inputs, of which the first `samples` are used. progress: called with the layer's
    name, how many are done and how many there are. translate: writes one cut for one file ending (default: the
    exporters). Raises InputError if `data` is empty, RuntimeUnavailable, and RunError if the reference itself fails.
    """
    rows: list[LayerParity] = []
    with tempfile.TemporaryDirectory(prefix="sepia-check-") as folder:
        fed_layers = FedLayers(
            load_graph(qdq), data, Path(folder), known[REFERENCE], samples=samples, translate=translate
        )
        for at, fed in enumerate(fed_layers):
            if progress is not None:
                progress(fed.layer.name, at, len(fed_layers))
            if fed.layer.comparable:
                rows += [_row(fed, known[name]) for name in runtimes]
    if progress is not None:
        progress("layers", len(fed_layers), len(fed_layers))
    return tuple(rows)


def _row(fed: FedLayer, runtime: Runtime) -> LayerParity:
    layer, difference, in_float, failure = fed.layer, CodeDifference(), None, ""
    try:
        file = fed.files.file(runtime)
        either = middles(fed.files.reference(), layer)
        with runtime.open(file) as session:
            spoken = LayerSession(layer, session, file)
            for sample, wanted in zip(fed.given, fed.made, strict=True):
                between = None if either is None else either(sample[layer.reads[0].codes])
                for name, found in spoken.run(sample).items():
                    difference += compare_codes(found, wanted[name], between)
            in_float = float_ops(session.placements())
    except (GraphError, RunError, UnsupportedOps) as error:
        difference, failure = CodeDifference(), str(error)
    return LayerParity(
        layer=layer.name,
        op=layer.op,
        kind=str(layer.kind),
        runtime=runtime.name,
        codes=difference.codes,
        equal=difference.equal,
        max_lsb=difference.max_lsb,
        float_ops=in_float,
        failure=failure,
        middle=difference.middle,
    )
