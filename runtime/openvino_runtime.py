"""OpenVINO, on the CPU."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, RuntimeUnavailable
from .feeds import check_file, check_threads, refused
from .interface import Placement, TensorInfo
from .openvino_placements import placements
from .session import FileSession

__all__ = ["OpenVINO", "OpenVINOSession"]

_NAME = "openvino"


def _library() -> Any:
    # Merely imported, it would send usage figures over the network from threads of its own.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as error:
        raise RuntimeUnavailable(_NAME, "is not installed", hint="pip install openvino") from error
    return openvino


@functools.cache
def _core() -> Any:
    return _library().Core()


class OpenVINO:
    """Opens IR (.xml with its .bin beside it) and ONNX files. Float layers run in float32, never in bf16 or fp16.

    Nothing here prevents saturation on x86 without VNNI: OpenVINO has no switch for it, so weights must keep to half
    their range there.
    """

    name = _NAME
    suffixes: tuple[str, ...] = (".xml", ".onnx")

    def version(self) -> str:
        return str(_library().__version__).partition("-")[0]

    def open(self, path: Path, *, threads: int = 1) -> OpenVINOSession:
        check_threads(str(path), threads)
        check_file(path, self.name, self.suffixes)
        if path.suffix == ".xml" and not path.with_suffix(".bin").is_file():
            raise InputError(str(path), f"its weights are missing: no {path.with_suffix('.bin').name} beside it")
        return OpenVINOSession(path, threads)


class OpenVINOSession(FileSession):
    """One file, compiled for this processor with a single stream."""

    def __init__(self, path: Path, threads: int) -> None:
        properties = {
            # Its "float" may silently be bf16 on x86 and fp16 on ARM.
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
        }
        core = _core()
        try:
            self._model: Any = core.read_model(str(path))
            self._compiled: Any = core.compile_model(self._model, "CPU", properties)
            self._request: Any = self._compiled.create_infer_request()
        except (RuntimeError, ValueError, TypeError) as error:
            raise refused(path, _NAME, _Said(error)) from error
        super().__init__(path, [*map(_info, self._compiled.inputs)], [*map(_info, self._compiled.outputs)])

    def _infer(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        ordered = {index: np.ascontiguousarray(feeds[info.name]) for index, info in enumerate(self._inputs)}
        try:
            results = self._request.infer(ordered, share_outputs=False)
        except RuntimeError as error:
            raise refused(self._path, _NAME, _Said(error), doing="run") from error
        return {info.name: results[index] for index, info in enumerate(self._outputs)}

    def _placements(self) -> list[Placement]:
        """From the runtime model: what the plugin compiled the file into."""
        return placements(self._compiled.get_runtime_model(), self._model)

    def _release(self) -> None:
        self._request = self._compiled = self._model = None


class _Said(Exception):
    """OpenVINO's message without the lines that say where in its own source it was raised."""

    def __init__(self, error: BaseException) -> None:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        said = [line for line in lines if not line.startswith(("Exception from", "Check '", "FrontEnd API"))]
        super().__init__(" ".join(said or lines))


def _info(port: Any) -> TensorInfo:
    shape = tuple(-1 if size.is_dynamic else size.get_length() for size in port.partial_shape)
    return TensorInfo(_name(port), shape, np.dtype(port.element_type.to_dtype()).name)


def _name(port: Any) -> str:
    """The file's name for it. A port can carry several; a result's node is called for the one that the file gave."""
    names = port.names
    for candidate in (port.node.get_friendly_name(), port.node.get_friendly_name().partition("/sink_port_")[0]):
        if candidate in names:
            return str(candidate)
    return str(min(names)) if names else str(port.node.get_friendly_name())
