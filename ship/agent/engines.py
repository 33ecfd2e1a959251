"""A network of a bundle, loaded once and run on the bytes of one input: one class a runtime."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import weakref
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from .errors import Refused
from .manifest import NATIVE, Manifest
from .native_program import declared_program
from .place import Place

__all__ = ["Engine", "engine_of"]

_KIND = "runtime"
_ANSWER_S = 60.0
_PIECE = 1 << 16


class Engine(Protocol):
    def run(self, data: bytes) -> Sequence[float]:
        """data: the one input, as its file has it. Gives the first output's values, codes as they are."""
        ...

    def close(self) -> None: ...


def engine_of(folder: Path, manifest: Manifest, place: Place) -> Engine:
    """Load it, in this process; a program in one of its own. Raises Refused of kind "runtime"."""
    if manifest.runtime == NATIVE:
        return _Program(folder, manifest, place)
    if manifest.runtime not in _ENGINES:
        told = ", ".join([*_ENGINES, NATIVE])
        raise Refused(manifest.runtime, "is not known to this agent", kind=_KIND, hint=f"known: {told}")
    where = place.environment.get("PYTHONPATH", "").split(os.pathsep)
    _find(where)
    try:
        return _ENGINES[manifest.runtime](str(folder / manifest.network), manifest)
    except ImportError as error:
        hint = " ".join(f"{name}={value}" for name, value in place.environment.items())
        hint = f"start the application with {hint}" if hint else "run sepia ship install again"
        raise Refused(manifest.runtime, f"cannot be loaded here ({error})", kind=_KIND, hint=hint) from error


def _find(folders: Sequence[str]) -> None:
    """Where the board's runtimes lie. An application that already has NumPy keeps its own."""
    new = [folder for folder in folders if folder and folder not in sys.path]
    if "numpy" in sys.modules:
        sys.path.extend(new)
    else:
        sys.path[:0] = new


class _OnnxRuntime:
    def __init__(self, network: str, manifest: Manifest) -> None:
        # It would keep a database of usage in the user's home, and send it.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = manifest.threads
        options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        self._input = _Input(manifest)
        self._name = self._session.get_inputs()[0].name

    def run(self, data: bytes) -> Sequence[float]:
        return _flat(self._session.run(None, {self._name: self._input.array(data)})[0])

    def close(self) -> None:
        self._session = None


class _LiteRT:
    def __init__(self, network: str, manifest: Manifest) -> None:
        self._interpreter = self._library().Interpreter(model_path=network, num_threads=manifest.threads)
        self._interpreter.allocate_tensors()
        self._input = _Input(manifest)
        self._into = self._interpreter.get_input_details()[0]["index"]
        self._from = self._interpreter.get_output_details()[0]["index"]

    def _library(self) -> Any:
        from ai_edge_litert import interpreter

        return interpreter

    def run(self, data: bytes) -> Sequence[float]:
        self._interpreter.set_tensor(self._into, self._input.array(data))
        self._interpreter.invoke()
        return _flat(self._interpreter.get_tensor(self._from))

    def close(self) -> None:
        self._interpreter = None


class _TFLiteRuntime(_LiteRT):
    def _library(self) -> Any:
        from tflite_runtime import interpreter

        return interpreter


class _OpenVINO:
    def __init__(self, network: str, manifest: Manifest) -> None:
        # Merely imported, it would send usage figures over the network.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        import openvino

        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
        settings["INFERENCE_NUM_THREADS"] = manifest.threads
        self._compiled: Any = openvino.Core().compile_model(network, "CPU", settings)
        self._input = _Input(manifest)

    def run(self, data: bytes) -> Sequence[float]:
        return _flat(self._compiled([self._input.array(data)])[0])

    def close(self) -> None:
        self._compiled = None


_ENGINES: Mapping[str, type[_OnnxRuntime] | type[_LiteRT] | type[_OpenVINO]] = {
    "onnxruntime": _OnnxRuntime,
    "litert": _LiteRT,
    "tflite-runtime": _TFLiteRuntime,
    "openvino": _OpenVINO,
}


class _Input:
    """The one input of a network, of one sample."""

    def __init__(self, manifest: Manifest) -> None:
        entry = manifest.preparation["inputs"][0]
        self._dtype = str(entry["dtype"])
        self._shape = [max(int(size), 1) for size in entry["shape"]]

    def array(self, data: bytes) -> Any:
        import numpy as np

        return np.frombuffer(data, self._dtype).reshape(self._shape)


def _flat(values: Any) -> Sequence[float]:
    found: Sequence[float] = values.reshape(-1).tolist()
    return found


class _Program:
    """Alive from one input to the next: it reads samples until there are no more."""

    def __init__(self, folder: Path, manifest: Manifest, place: Place) -> None:
        entry = manifest.preparation["outputs"][0]
        self._typecode = {"float32": "f", "int8": "b", "uint8": "B"}[str(entry["dtype"])]
        count = 1
        for size in entry["shape"]:
            count *= max(int(size), 1)
        self._bytes = count * array(self._typecode).itemsize
        command = place.command(declared_program(folder, manifest))
        try:
            self._process = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=place.surroundings(Path("/")),
                start_new_session=True,
            )
        except OSError as error:
            raise Refused(NATIVE, f"cannot be started ({error.strerror or error})", kind=_KIND) from error
        self._end = weakref.finalize(self, _ended, self._process)

    def run(self, data: bytes) -> Sequence[float]:
        """Raises Refused of kind "runtime" if it ends, or does not answer within a minute; it is gone then."""
        try:
            self._write(data)
            values: array[Any] = array(self._typecode)
            values.frombytes(self._read())
        except (OSError, EOFError) as error:
            self.close()
            told = f"ended by itself ({self._process.returncode})" if isinstance(error, EOFError) else str(error)
            raise Refused(NATIVE, told, kind=_KIND, hint="load the model again") from error
        if sys.byteorder == "big":
            values.byteswap()
        return values

    def _write(self, data: bytes) -> None:
        left, into = memoryview(data), self._process.stdin
        while left:
            left = left[into.write(left) or 0 :]  # type: ignore[union-attr]

    def _read(self) -> bytes:
        out, pipe = b"", self._process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)  # type: ignore[arg-type]
            while len(out) < self._bytes:
                if not selector.select(_ANSWER_S):
                    raise TimeoutError(f"no answer within {_ANSWER_S:g} s")
                piece = pipe.read(min(self._bytes - len(out), _PIECE))  # type: ignore[union-attr]
                if not piece:
                    raise EOFError
                out += piece
        return out

    def close(self) -> None:
        self._end()


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
