"""ONNX Runtime, on the CPU."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RuntimeUnavailable
from .feeds import check_file, check_threads, refused
from .interface import Placement, TensorInfo
from .onnx_profile import read_profile
from .processor import processor
from .session import FileSession

__all__ = ["OnnxRuntime", "OnnxRuntimeSession"]

_NAME = "onnxruntime"

EXACT_ENTRY = "session.x64quantprecision"
"""Turns int8 weights into uint8 so that sums stay in 32 bits. ONNX Runtime's kOrtSessionOptionsAvx2PrecisionMode."""


_ERRORS = (
    "EPFail", "EngineError", "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "ModelLoadCanceled",
    "ModelLoaded", "ModelRequiresCompilation", "NoModel", "NoSuchFile", "NotFound", "NotImplemented",
    "RuntimeException",
)  # fmt: skip


def _library() -> Any:
    # It would keep a database of usage in the user's home, and send it.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise RuntimeUnavailable(_NAME, "is not installed", hint="pip install onnxruntime") from error
    return onnxruntime


def _errors(library: Any) -> tuple[type[BaseException], ...]:
    # Its exceptions share no base but Exception; they are listed so that a bug of ours is not taken for one of them.
    state = library.capi.onnxruntime_pybind11_state
    own = tuple(getattr(state, name) for name in _ERRORS if hasattr(state, name))
    return (*own, RuntimeError, ValueError)


def _options(library: Any, threads: int) -> Any:
    options = library.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = library.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # Only where it is needed: with VNNI the outputs are right without it, and it doubles Lite0's time (7.5 → 14.4 ms).
    if processor().sums_in_16_bits:
        options.add_session_config_entry(EXACT_ENTRY, "1")
    return options


class OnnxRuntime:
    """Opens ONNX files. Safe from 16-bit saturation on x86 without VNNI."""

    name = _NAME
    suffixes: tuple[str, ...] = (".onnx",)

    def version(self) -> str:
        return str(_library().__version__)

    def open(self, path: Path, *, threads: int = 1) -> OnnxRuntimeSession:
        check_threads(str(path), threads)
        check_file(path, self.name, self.suffixes)
        return OnnxRuntimeSession(path, threads)


class OnnxRuntimeSession(FileSession):
    """One ONNX file, loaded."""

    def __init__(self, path: Path, threads: int) -> None:
        self._library = _library()
        self._library.disable_telemetry_events()
        self._threads = threads
        self._session: Any = self._load(path, _options(self._library, threads))
        super().__init__(path, [*map(_info, self._session.get_inputs())], [*map(_info, self._session.get_outputs())])

    def _load(self, path: Path, options: Any) -> Any:
        try:
            return self._library.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except _errors(self._library) as error:
            raise refused(path, _NAME, error) from error

    def _infer(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return self._run(self._session, feeds)

    def _run(self, session: Any, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        names = [info.name for info in self._outputs]
        try:
            return dict(zip(names, session.run(names, dict(feeds)), strict=True))
        except _errors(self._library) as error:
            raise refused(self._path, _NAME, error, doing="run") from error

    def _placements(self) -> list[Placement]:
        """From the profile of one inference on zeros, in a second session with the same options.

        The profile names the kernels that ran and the dtypes that they read, so nothing is inferred from the file.
        """
        with tempfile.TemporaryDirectory(prefix="sepia-") as folder:
            options = _options(self._library, self._threads)
            options.enable_profiling = True
            options.profile_file_prefix = str(Path(folder) / "profile")
            session = self._load(self._path, options)
            zeros = {info.name: np.zeros([max(size, 1) for size in info.shape], info.dtype) for info in self._inputs}
            self._run(session, zeros)
            return read_profile(Path(session.end_profiling()), self._path)

    def _release(self) -> None:
        self._session = None


_DTYPES = {"float": "float32", "double": "float64"}


def _info(value: Any) -> TensorInfo:
    """value: onnxruntime's NodeArg; its type reads "tensor(float)", a free dimension is a name or None."""
    dtype = value.type.removeprefix("tensor(").removesuffix(")")
    shape = tuple(size if isinstance(size, int) else -1 for size in value.shape)
    return TensorInfo(value.name, shape, _DTYPES.get(dtype, dtype))
