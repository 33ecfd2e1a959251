"""tflite-runtime 2.14, the last of its line and the only one with wheels for 32-bit ARM.

It needs NumPy 1, so it lives in an environment of its own and is spoken to through `tflite_worker.py`, one process
for all sessions of this one. Not called `tflite_runtime.py`: the worker runs beside it as a script, and would find it
in the library's place.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .environments import environment
from .feeds import check_file, check_threads, refused
from .interface import Placement
from .session import FileSession
from .tflite_details import placements, tensor_info
from .worker import Worker, WorkerError

__all__ = ["TFLiteRuntime", "TFLiteRuntimeSession", "interpreter"]

_NAME = "tflite-runtime"
_VERSION = "2.14.0"
_PYTHONS = ((3, 11), (3, 10), (3, 9), (3, 8))

_lock = threading.Lock()
_worker: Worker | None = None


def interpreter() -> Path:
    """The Python that has tflite-runtime; its environment is made on first use. Raises RuntimeUnavailable."""
    return environment(f"{_NAME}-{_VERSION}", (f"tflite-runtime=={_VERSION}", "numpy>=1.23,<2"), _PYTHONS)


def _shared_worker() -> Worker:
    """The running worker. A new one after a crash, and in a forked child, whose pipes would be its parent's."""
    global _worker
    with _lock:
        if _worker is None or not _worker.alive or _worker.owner != os.getpid():
            _worker = Worker([str(interpreter()), "-E", "-s", str(Path(__file__).with_name("tflite_worker.py"))])
            atexit.register(_worker.close)
        return _worker


class TFLiteRuntime:
    """Opens TFLite files in the worker."""

    name = _NAME
    suffixes: tuple[str, ...] = (".tflite",)

    def version(self) -> str:
        interpreter()
        return _VERSION

    def open(self, path: Path, *, threads: int = 1) -> TFLiteRuntimeSession:
        check_threads(str(path), threads)
        check_file(path, self.name, self.suffixes)
        return TFLiteRuntimeSession(path, threads)


class TFLiteRuntimeSession(FileSession):
    """One TFLite file, loaded in the worker."""

    def __init__(self, path: Path, threads: int) -> None:
        self._worker = _shared_worker()
        self._path = path
        answer, _ = self._ask({"do": "open", "path": str(path.resolve()), "threads": threads}, doing="load")
        self._number: int = answer["session"]
        super().__init__(path, [*map(tensor_info, answer["inputs"])], [*map(tensor_info, answer["outputs"])])

    def _infer(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return self._ask({"do": "run", "session": self._number}, feeds, doing="run")[1]

    def _placements(self) -> list[Placement]:
        """As LiteRT's: one for each op of the file, under the name of its first output tensor."""
        answer, _ = self._ask({"do": "details", "session": self._number}, doing="describe")
        return placements(answer["ops"], answer["tensors"])

    def _release(self) -> None:
        if self._worker.alive and self._worker.owner == os.getpid():
            self._ask({"do": "close", "session": self._number}, doing="close")

    def _ask(
        self, request: dict[str, Any], arrays: Mapping[str, NDArray[Any]] | None = None, *, doing: str
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        try:
            return self._worker.ask(request, arrays)
        except WorkerError as error:
            raise refused(self._path, _NAME, error, doing=doing) from error
