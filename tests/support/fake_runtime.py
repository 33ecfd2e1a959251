"""Runtimes that are wrong on purpose: ONNX Runtime behind them, what goes in or comes out changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import numpy_helper
from sepia.errors import RunError, RuntimeUnavailable
from sepia.runtime import Placement, TensorInfo

__all__ = ["FakeFile", "FakeRuntime", "clip_weights"]

Outputs = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class FakeFile:
    """A network file as `check` takes it."""

    path: Path
    format: str = "onnx"
    precision: str = "int8"


class FakeRuntime:
    """Reads ONNX content whatever the ending. rewrite: changes the model first. spoil: changes the outputs.

    placed: what it says of its layers. absent, refuses: not installed; can't open anything. opened: how many sessions.
    """

    def __init__(
        self,
        name: str = "fake",
        suffix: str = ".onnx",
        *,
        rewrite: Callable[[onnx.ModelProto], None] | None = None,
        spoil: Callable[[Outputs], Outputs] = lambda outputs: outputs,
        placed: Sequence[Placement] = (Placement("layer", "Conv", "int8"),),
        absent: bool = False,
        refuses: str = "",
    ) -> None:
        self.name = name
        self.suffixes = (suffix,)
        self.rewrite, self.spoil, self.placed = rewrite, spoil, placed
        self.absent, self.refuses = absent, refuses
        self.opened = 0

    def version(self) -> str:
        if self.absent:
            raise RuntimeUnavailable(self.name, "is not installed", hint=f"pip install {self.name}")
        return "1.0"

    def open(self, path: Path, *, threads: int = 1) -> FakeSession:
        self.version()
        if self.refuses:
            raise RunError(str(path), self.refuses)
        self.opened += 1
        model = onnx.load(str(path))
        if self.rewrite is not None:
            self.rewrite(model)
        return FakeSession(self, model)


class FakeSession:
    def __init__(self, runtime: FakeRuntime, model: onnx.ModelProto) -> None:
        self._runtime = runtime
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.inputs = [_info(value) for value in self._session.get_inputs()]
        self.outputs = [_info(value) for value in self._session.get_outputs()]

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Outputs:
        names = [info.name for info in self.outputs]
        found = dict(zip(names, self._session.run(names, dict(feeds)), strict=True))
        return self._runtime.spoil(found)

    def placements(self) -> list[Placement]:
        return list(self._runtime.placed)

    def close(self) -> None:
        pass

    def __enter__(self) -> FakeSession:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def clip_weights(model: onnx.ModelProto) -> None:
    """Keep int8 weights to ±64, which is what saturation amounts to where all products are at their greatest."""
    for tensor in model.graph.initializer:
        codes = numpy_helper.to_array(tensor)
        if codes.dtype == np.int8 and codes.ndim > 1:
            tensor.CopyFrom(numpy_helper.from_array(np.clip(codes, -64, 64), tensor.name))


def _info(value: Any) -> TensorInfo:
    dtype = value.type.removeprefix("tensor(").removesuffix(")")
    shape = tuple(size if isinstance(size, int) else -1 for size in value.shape)
    return TensorInfo(value.name, shape, "float32" if dtype == "float" else dtype)
