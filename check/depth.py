"""Error along the depth: how far each tensor of the quantised network is from the float network's, by layer.

Both networks run in float arithmetic (ONNX Runtime, no rewriting of the graph), the QDQ file with its rounding and
clipping in place, so that what is seen is the quantisation and not an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from ..errors import InputError
from ..graph.load import load_graph
from ..graph.passes import canonicalize
from .cut import CodeTensor, find_layers

__all__ = ["LayerDepth", "check_depth"]

Progress = Callable[[str, int, int], None]
Sample = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class LayerDepth:
    """One tensor, in order of the network's depth.

    layer, kind: of the layer that makes it. tensor: its name. sqnr_db: 10·log10(Σ float² / Σ (float − int8)²), in dB,
    over all samples; None where there is no error at all. rms_lsb: root mean square error in steps of its scale.
    """

    index: int
    layer: str
    kind: str
    tensor: str
    sqnr_db: float | None
    rms_lsb: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class _Sums:
    signal: float = 0.0
    noise: float = 0.0
    values: int = 0


def check_depth(
    source: Path, qdq: Path, data: Iterable[Sample], *, samples: int = 4, progress: Progress | None = None
) -> tuple[LayerDepth, ...]:
    """Compare each tensor of `qdq` that is held as codes with the float network's tensor of the same name.

    source: the float ONNX file that `qdq` was made from. A tensor that the float network does not have (another tool's
    names) is left out. Raises InputError if `data` is empty.
    """
    model = load_graph(qdq)
    floats = canonicalize(load_graph(source))
    layers = find_layers(model)
    known = {value.name for node in floats.graph for value in node.outputs}
    made = [(layer, tensor) for layer in layers for tensor in layer.makes if tensor.real in known]
    quantised = _Observed(model, [tensor.dequantized for _, tensor in made])
    plain = _Observed(floats, [tensor.real for _, tensor in made])
    sums = [_Sums() for _ in made]
    taken = 0
    for taken, sample in enumerate(islice(iter(data), samples), start=1):
        for entry, wanted, found in zip(sums, plain.run(sample), quantised.run(sample), strict=True):
            _add(entry, wanted, found)
        if progress is not None:
            progress("error along the depth", taken, samples)
    if not taken:
        raise InputError("check", "no samples to check with", accepted="at least one")
    return tuple(
        _row(at, layer.name, str(layer.kind), tensor, entry)
        for at, ((layer, tensor), entry) in enumerate(zip(made, sums, strict=True))
    )


def _add(sums: _Sums, wanted: NDArray[np.float32], found: NDArray[np.float32]) -> None:
    reference = wanted.astype(np.float64)
    sums.signal += float(np.square(reference).sum())
    sums.noise += float(np.square(reference - found).sum())
    sums.values += wanted.size


def _row(index: int, layer: str, kind: str, tensor: CodeTensor, sums: _Sums) -> LayerDepth:
    sqnr = None
    if sums.noise > 0 and sums.signal > 0:
        sqnr = float(10 * np.log10(sums.signal / sums.noise))
    step = float(tensor.params.scale.max())
    return LayerDepth(index, layer, kind, tensor.real, sqnr, float(np.sqrt(sums.noise / sums.values)) / step)


class _Observed:
    """A model with the named values as its outputs, in ONNX Runtime without any rewriting of the graph."""

    def __init__(self, model: ir.Model, names: Sequence[str]) -> None:
        import onnxruntime as ort

        self._names = list(names)
        copy = ir.from_proto(ir.to_proto(model))
        values = {value.name: value for node in copy.graph for value in node.outputs}
        present = {value.name for value in copy.graph.outputs}
        copy.graph.outputs.extend(values[name] for name in dict.fromkeys(names) if name not in present)
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(
            ir.to_proto(copy).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def run(self, sample: Sample) -> list[NDArray[np.float32]]:
        found: list[NDArray[np.float32]] = self._session.run(self._names, dict(sample))
        return found
