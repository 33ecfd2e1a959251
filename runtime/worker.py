"""A process of its own that answers questions over its pipes: JSON first, then the bytes of arrays.

One message, either way: 4 bytes, big-endian, the length of the JSON; the JSON, an object whose key "arrays" lists name,
dtype and shape; then each array's bytes in that order, C-contiguous, little-endian. An answer with a key "error" is a
refusal. `tflite_worker.py` is the other side.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Worker", "WorkerError"]


class WorkerError(Exception):
    """What the worker answered instead of a result, or how it died."""


class Worker:
    """Started at once. Ask from any thread: one question at a time. `owner` is the process that may ask."""

    def __init__(self, command: Sequence[str]) -> None:
        self.owner = os.getpid()
        self._end = ""
        self._lock = threading.Lock()
        # A file and not a pipe: nobody reads it until the worker has died, and a full pipe would stop it.
        self._said: IO[bytes] = tempfile.TemporaryFile(prefix="sepia-")  # noqa: SIM115 - lives as long as this
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            start_new_session=True,  # Ctrl-C is for the asker, who then closes the pipes
        )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(
        self, request: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]] | None = None
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The answer's JSON and arrays. Raises WorkerError. Interrupted halfway, the worker is ended."""
        with self._lock:
            whole = False
            try:
                self._send(request, arrays or {})
                answer = self._receive()
                whole = True
            except (OSError, EOFError) as error:
                raise WorkerError(self._last_words()) from error
            finally:
                if not whole:
                    # Half a question or answer left in the pipes would be read as the next one's.
                    self.close()
        if "error" in answer[0]:
            raise WorkerError(answer[0]["error"])
        return answer

    def close(self) -> None:
        """Closing its input ends it; if not within 5 s, it is killed."""
        if self.owner != os.getpid():
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                try:
                    pipe.close()
                except OSError:
                    continue  # a dead reader: there is nothing left to say to it
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if not self._said.closed:
            self._said.close()

    def _send(self, request: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            raise EOFError
        bodies = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        listed = [[name, array.dtype.name, array.shape] for name, array in bodies.items()]
        head = json.dumps({**request, "arrays": listed}).encode()
        pipe.write(struct.pack(">I", len(head)) + head)
        for array in bodies.values():
            pipe.write(array.tobytes())
        pipe.flush()

    def _receive(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        (length,) = struct.unpack(">I", self._read(4))
        answer: dict[str, Any] = json.loads(self._read(length))
        arrays = {}
        for name, dtype, shape in answer.pop("arrays", []):
            kind = np.dtype(dtype)
            body = self._read(kind.itemsize * int(np.prod(shape, dtype=np.int64)))
            arrays[name] = np.frombuffer(bytearray(body), kind).reshape(shape)
        return answer, arrays

    def _read(self, size: int) -> bytes:
        pipe = self._process.stdout
        body = pipe.read(size) if pipe is not None and not pipe.closed else b""
        if len(body) < size:
            raise EOFError
        return body

    def _last_words(self) -> str:
        """How it ended and the last line that it said, kept for whoever asks later."""
        if not self._end and not self._said.closed:
            try:
                code = self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                return "its process closed its pipes"
            self._said.seek(0)
            lines = [line.strip() for line in self._said.read().decode(errors="replace").splitlines() if line.strip()]
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
            self._end = f"its process {how}" + (f": {lines[-1]}" if lines else "")
        return self._end or "its process was ended before"
