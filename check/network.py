"""A file opened in a runtime, spoken to in ONNX terms: NCHW float32 or codes, whatever the file itself takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, RunError, RuntimeUnavailable
from ..graph.quantization import QuantParams
from ..runtime.interface import Placement, Runtime, Session, TensorInfo

_Value = TypeVar("_Value")

__all__ = [
    "LAYOUTS_KEY",
    "Network",
    "NetworkFile",
    "first_installed",
    "from_file_layout",
    "layouts_of",
    "matched",
    "params_of",
    "reads",
    "to_file_layout",
]

LAYOUTS_KEY = "sepia.layouts"
"""Metadata key of a TFLite file: JSON object, tensor name → "NHWC", "NCHW" or "as is"."""


class NetworkFile(Protocol):
    """One network on disk. format: "onnx", "tflite" or "openvino". precision: "float" or "int8"."""

    @property
    def path(self) -> Path: ...

    @property
    def format(self) -> str: ...

    @property
    def precision(self) -> str: ...


def reads(runtime: Runtime, file: NetworkFile) -> bool:
    """Whether `runtime` is the one to measure `file` with: the ending is the one that it prefers."""
    return file.path.suffix == runtime.suffixes[0]


def first_installed(candidates: Iterable[Runtime]) -> Runtime:
    """The first of `candidates` that is installed here. Raises RuntimeUnavailable as the first of them does."""
    refusals: list[RuntimeUnavailable] = []
    for runtime in candidates:
        try:
            runtime.version()
            return runtime
        except RuntimeUnavailable as error:
            refusals.append(error)
    raise refusals[0]


class Network:
    """A session that takes and gives float32 arrays in ONNX layout, by the network's own names.

    Inputs of an int8 file are quantised and outputs dequantised with the scales that the file tells. Where the file's
    names differ from those fed, position decides. Use as a context manager.
    """

    def __init__(self, runtime: Runtime, path: Path, *, threads: int = 1) -> None:
        self.path = path
        self._layouts = layouts_of(path)
        self._session: Session = runtime.open(path, threads=threads)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._session.close()

    @property
    def inputs(self) -> Sequence[TensorInfo]:
        """As the file has them."""
        return self._session.inputs

    @property
    def outputs(self) -> Sequence[TensorInfo]:
        """As the file has them."""
        return self._session.outputs

    def placements(self) -> list[Placement]:
        return self._session.placements()

    def run(self, sample: Mapping[str, NDArray[np.float32]]) -> tuple[NDArray[np.float32], ...]:
        """Outputs in the file's order. sample: input name → [1, C, …] float32. Raises RunError, InputError."""
        found = self.run_own(self.feeds(sample))
        return tuple(self._real(found[info.name], info) for info in self._session.outputs)

    def run_own(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Outputs as the file has them, of inputs as `feeds` gives them. Raises RunError."""
        return self._session.run(feeds)

    def feeds(self, sample: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[Any]]:
        """What the session itself takes for `sample`: the file's names, layout and dtype."""
        infos = self._session.inputs
        arrays = matched(infos, sample, self.path)
        return {info.name: self._own(array, info) for info, array in zip(infos, arrays, strict=True)}

    def own_outputs(self, outputs: Sequence[NDArray[np.float32]]) -> dict[str, NDArray[Any]]:
        """What the session itself would give where `run` gives `outputs`."""
        infos = self._session.outputs
        return {info.name: self._own(array, info) for info, array in zip(infos, outputs, strict=True)}

    def _own(self, array: NDArray[np.float32], info: TensorInfo) -> NDArray[Any]:
        moved = to_file_layout(array, self._layouts.get(info.name, "as is"))
        params = params_of(info)
        return moved.astype(info.dtype) if params is None else params.quantize(moved)

    def _real(self, array: NDArray[Any], info: TensorInfo) -> NDArray[np.float32]:
        params = params_of(info)
        real = array.astype(np.float32) if params is None else params.dequantize(array)
        return from_file_layout(real, self._layouts.get(info.name, "as is"))


def matched(infos: Sequence[TensorInfo], values: Mapping[str, _Value], path: Path) -> list[_Value]:
    """One of `values` for each tensor of the file: by name, or all by position where a name is not known."""
    if len(values) != len(infos):
        raise InputError(
            str(path),
            f"takes {len(infos)} inputs, {len(values)} given",
            accepted=", ".join(info.name for info in infos),
        )
    if all(info.name in values for info in infos):
        return [values[info.name] for info in infos]
    return list(values.values())


def params_of(info: TensorInfo) -> QuantParams | None:
    """How an integer input or output is quantised, None of a float one. Raises RunError if the file doesn't say."""
    if info.dtype.startswith("float"):
        return None
    if info.scale is None or info.zero_point is None or info.dtype not in ("int8", "uint8"):
        raise RunError(f"'{info.name}'", f"is {info.dtype} and the file tells no scale for it")
    return QuantParams(np.array([info.scale], np.float32), np.array([info.zero_point], np.int64), info.dtype)


def layouts_of(path: Path) -> dict[str, str]:
    """Tensor name → layout of a file's inputs and outputs; empty where the format keeps ONNX's own."""
    if path.suffix != ".tflite":
        return {}
    from ..export.onnx_to_tflite import read_metadata

    text = read_metadata(path).get(LAYOUTS_KEY, "{}")
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(str(path), f"{LAYOUTS_KEY} in its metadata is not JSON ({error})") from error
    return {str(name): str(layout) for name, layout in found.items()}


def to_file_layout(array: NDArray[Any], layout: str) -> NDArray[Any]:
    """From channels second, as ONNX has them, to channels last for a layout that ends in C."""
    moved = np.moveaxis(array, 1, -1) if _channels_last(array, layout) else array
    return np.ascontiguousarray(moved)


def from_file_layout(array: NDArray[Any], layout: str) -> NDArray[Any]:
    """The way back."""
    moved = np.moveaxis(array, -1, 1) if _channels_last(array, layout) else array
    return np.ascontiguousarray(moved)


def _channels_last(array: NDArray[Any], layout: str) -> bool:
    return layout.endswith("C") and array.ndim > 2
