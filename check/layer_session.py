"""A cut-out layer opened in a runtime, spoken to in the QDQ file's own codes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.interface import Session, TensorInfo
from .cut import CodeTensor, Layer
from .network import from_file_layout, layouts_of, matched, to_file_layout

__all__ = ["Codes", "LayerSession", "LayerTensors"]

Codes = dict[str, NDArray[Any]]
"""Name of a tensor in the QDQ file → its codes, in ONNX layout."""


class LayerTensors:
    """A cut's file spoken to in the QDQ file's own codes, in ONNX layout and by their names there.

    inputs, outputs: as a session says of `file`.
    """

    def __init__(self, layer: Layer, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo], file: Path) -> None:
        layouts = layouts_of(file)
        self._reads = _paired(inputs, layer.reads, layouts, file)
        self._makes = _paired(outputs, layer.makes, layouts, file)

    def feeds(self, sample: Codes) -> dict[str, NDArray[Any]]:
        """What the file itself takes for `sample`."""
        return {info.name: _own(sample[tensor.codes], tensor, info, at) for info, tensor, at in self._reads}

    def codes(self, found: Mapping[str, NDArray[Any]]) -> Codes:
        """The codes that the file's own outputs `found` are."""
        return {tensor.codes: _codes(found[info.name], tensor, at) for info, tensor, at in self._makes}


class LayerSession:
    """A cut's session that takes and gives codes."""

    def __init__(self, layer: Layer, session: Session, file: Path) -> None:
        self._session = session
        self._tensors = LayerTensors(layer, session.inputs, session.outputs, file)

    def run(self, sample: Codes) -> Codes:
        return self._tensors.codes(self._session.run(self._tensors.feeds(sample)))


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
