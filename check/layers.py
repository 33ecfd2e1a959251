"""Layer by layer: the same int8 inputs to every runtime, outputs compared in LSB.

A layer's inputs are the codes that the reference gave for the layers before it, so a difference is that layer's own and
never one that grew on the way. The reference is ONNX Runtime's integer kernels on the cut-out layer.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import GraphError, InputError, RunError, UnsupportedOps
from ..graph.load import load_graph
from ..runtime import RUNTIMES
from ..runtime.interface import Runtime, Session, TensorInfo
from .cut import CodeTensor, Layer, find_layers
from .difference import CodeDifference, compare_codes
from .network import from_file_layout, layouts_of, matched, to_file_layout
from .precision import float_ops
from .translate import Translate, Translator

__all__ = ["REFERENCE", "LayerParity", "check_layers"]

REFERENCE = "onnxruntime"
"""The runtime whose codes every layer is fed with and compared against."""

Codes = dict[str, NDArray[Any]]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class LayerParity:
    """One layer in one runtime. layer, op, kind: as in `cut.Layer`. codes: how many outputs were compared.

    equal: how many were the reference's. max_lsb: the greatest distance. float_ops: what the runtime ran in float of
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

    @property
    def share(self) -> float:
        """Share of equal codes, in [0, 1]."""
        return self.difference.share

    @property
    def difference(self) -> CodeDifference:
        return CodeDifference(self.codes, self.equal, self.max_lsb)

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
    model = load_graph(qdq)
    layers = find_layers(model)
    codes = _first(data, samples)
    last_use = {tensor.codes: at for at, layer in enumerate(layers) for tensor in layer.reads}
    rows: list[LayerParity] = []
    with tempfile.TemporaryDirectory(prefix="sepia-check-") as folder:
        for at, layer in enumerate(layers):
            if progress is not None:
                progress(layer.name, at, len(layers))
            translator = Translator(model, layer, Path(folder), translate)
            made = _reference(layer, translator, known[REFERENCE], codes)
            if layer.comparable:
                rows += [_row(layer, translator, known[name], codes, made) for name in runtimes]
            for sample, outputs in zip(codes, made, strict=True):
                sample.update(outputs)
                for name in [name for name in sample if last_use.get(name, at) <= at and name in last_use]:
                    del sample[name]
            translator.remove()
    if progress is not None:
        progress("layers", len(layers), len(layers))
    return tuple(rows)


def _first(data: Iterable[Mapping[str, NDArray[np.float32]]], samples: int) -> list[Codes]:
    found: list[Codes] = [dict(sample) for sample in islice(iter(data), samples)]
    if not found:
        raise InputError("check", "no samples to check with", accepted="at least one")
    return found


def _reference(layer: Layer, translator: Translator, runtime: Runtime, samples: Sequence[Codes]) -> list[Codes]:
    names = [tensor.codes for tensor in layer.reads] + list(layer.floats)
    with runtime.open(translator.reference()) as session:
        found = [session.run({name: sample[name] for name in names}) for sample in samples]
    return [{tensor.codes: outputs[tensor.codes] for tensor in layer.makes} for outputs in found]


def _row(
    layer: Layer, translator: Translator, runtime: Runtime, samples: Sequence[Codes], expected: Sequence[Codes]
) -> LayerParity:
    difference, in_float, failure = CodeDifference(), None, ""
    try:
        file = translator.file(runtime)
        with runtime.open(file) as session:
            spoken = _Spoken(layer, session, file)
            for sample, wanted in zip(samples, expected, strict=True):
                for name, found in spoken.run(sample).items():
                    difference += compare_codes(found, wanted[name])
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
    )


class _Spoken:
    """A cut's session that takes and gives the QDQ file's own codes, in ONNX layout and by their names there."""

    def __init__(self, layer: Layer, session: Session, file: Path) -> None:
        layouts = layouts_of(file)
        self._session = session
        self._reads = _paired(session.inputs, layer.reads, layouts, file)
        self._makes = _paired(session.outputs, layer.makes, layouts, file)

    def run(self, sample: Codes) -> Codes:
        feeds = {info.name: _own(sample[tensor.codes], tensor, info, at) for info, tensor, at in self._reads}
        found = self._session.run(feeds)
        return {tensor.codes: _codes(found[info.name], tensor, at) for info, tensor, at in self._makes}


def _paired(
    infos: Sequence[TensorInfo], tensors: Sequence[CodeTensor], layouts: Mapping[str, str], file: Path
) -> list[tuple[TensorInfo, CodeTensor, str]]:
    """Each of the file's tensors with the layer's and with its layout in the file."""
    given = Counter(name for tensor in tensors for name in _names(tensor))
    by_name = {name: tensor for tensor in tensors for name in _names(tensor) if given[name] == 1}
    known = all(info.name in by_name for info in infos) and len(infos) == len(tensors)
    named = {info.name: by_name[info.name] for info in infos} if known else {t.codes: t for t in tensors}
    found = matched(infos, named, file)
    return [(info, tensor, layouts.get(info.name, "as is")) for info, tensor in zip(infos, found, strict=True)]


def _names(tensor: CodeTensor) -> set[str]:
    return {tensor.codes, tensor.real, tensor.dequantized}


def _own(codes: NDArray[Any], tensor: CodeTensor, info: TensorInfo, layout: str) -> NDArray[Any]:
    moved = to_file_layout(codes, layout)
    if info.dtype in ("int8", "uint8"):
        return _shifted(moved, info.dtype)
    return tensor.params.dequantize(moved)


def _codes(array: NDArray[Any], tensor: CodeTensor, layout: str) -> NDArray[Any]:
    moved = from_file_layout(array, layout)
    if moved.dtype in (np.int8, np.uint8):
        return _shifted(moved, tensor.params.dtype).reshape(tensor.shape)
    return tensor.params.quantize(moved).reshape(tensor.shape)


def _shifted(codes: NDArray[Any], dtype: str) -> NDArray[Any]:
    """The same codes in the other 8-bit encoding: code_u8 = code_s8 + 128, which flips the highest bit."""
    return codes if codes.dtype == dtype else (codes.view(np.uint8) ^ np.uint8(128)).view(dtype)
