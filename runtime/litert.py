"""LiteRT (the runtime once called TensorFlow Lite), on the CPU, with XNNPACK or with its own kernels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import RuntimeUnavailable
from .feeds import check_file, check_threads, refused
from .interface import Placement
from .quiet import without_small_talk
from .session import FileSession
from .tflite_details import placements, tensor_info

__all__ = ["Kernels", "LiteRT", "LiteRTSession"]

_NAME = "litert"

Kernels = Literal["xnnpack", "builtin"]
"""xnnpack: what LiteRT uses by default. builtin: its own kernels alone, as on targets built without XNNPACK."""


def _library() -> Any:
    try:
        from ai_edge_litert import interpreter
    except ImportError as error:
        raise RuntimeUnavailable(_NAME, "is not installed", hint="pip install ai-edge-litert") from error
    return interpreter


class LiteRT:
    """Opens TFLite files. kernels: for every session that this one opens."""

    name = _NAME
    suffixes: tuple[str, ...] = (".tflite",)

    def __init__(self, kernels: Kernels = "xnnpack") -> None:
        self.kernels: Kernels = kernels

    def version(self) -> str:
        from importlib.metadata import PackageNotFoundError, version

        _library()
        for distribution in ("ai-edge-litert", "ai-edge-litert-nightly"):
            try:
                return version(distribution)
            except PackageNotFoundError:
                continue
        return "unknown"

    def open(self, path: Path, *, threads: int = 1) -> LiteRTSession:
        check_threads(str(path), threads)
        check_file(path, self.name, self.suffixes)
        return LiteRTSession(path, threads, self.kernels)


class LiteRTSession(FileSession):
    """One TFLite file, loaded and its tensors allocated."""

    def __init__(self, path: Path, threads: int, kernels: Kernels) -> None:
        self._interpreter: Any = _interpreter(path, threads, kernels)
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        super().__init__(path, [*map(tensor_info, inputs)], [*map(tensor_info, outputs)])

    def _infer(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        interpreter = self._interpreter
        try:
            for detail in interpreter.get_input_details():
                array = feeds[detail["name"]]
                if not np.array_equal(array.shape, detail["shape"]):
                    interpreter.resize_tensor_input(detail["index"], array.shape, strict=True)
            interpreter.allocate_tensors()
            for detail in interpreter.get_input_details():
                interpreter.set_tensor(detail["index"], feeds[detail["name"]])
            interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise refused(self._path, _NAME, error, doing="run") from error
        return {detail["name"]: interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()}

    def _placements(self) -> list[Placement]:
        """One for each op of the file, under the name of its first output tensor. What a delegate took is its."""
        return placements(self._interpreter._get_ops_details(), self._interpreter.get_tensor_details())

    def _release(self) -> None:
        self._interpreter = None


def _interpreter(path: Path, threads: int, kernels: Kernels) -> Any:
    library = _library()
    chosen = "BUILTIN_WITHOUT_DEFAULT_DELEGATES" if kernels == "builtin" else "AUTO"
    try:
        with without_small_talk(b"INFO: Created TensorFlow Lite"):
            made = library.Interpreter(
                model_path=str(path),
                num_threads=threads,
                experimental_op_resolver_type=library.OpResolverType[chosen],
            )
            made.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise refused(path, _NAME, error) from error
    return made
