"""Runs TFLite files in a process of its own: Python ≥ 3.8, NumPy and tflite_runtime, nothing of Sepia.

Questions come on standard input and answers go out on standard output, in the form that `worker.py` describes. Ends
when its input does.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO


def read_exactly(pipe: BinaryIO, size: int) -> bytes:
    body = pipe.read(size)
    if len(body) < size:
        raise EOFError
    return body


def read_message(pipe: BinaryIO, np: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    (length,) = struct.unpack(">I", read_exactly(pipe, 4))
    request = json.loads(read_exactly(pipe, length))
    arrays = {}
    for name, dtype, shape in request.pop("arrays", []):
        kind = np.dtype(dtype)
        body = read_exactly(pipe, kind.itemsize * int(np.prod(shape, dtype=np.int64)))
        arrays[name] = np.frombuffer(body, kind).reshape(shape)
    return request, arrays


def write_message(pipe: BinaryIO, answer: dict[str, Any], arrays: dict[str, Any], np: Any) -> None:
    bodies = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    listed = [[name, array.dtype.name, list(array.shape)] for name, array in bodies.items()]
    head = json.dumps(dict(answer, arrays=listed)).encode()
    pipe.write(struct.pack(">I", len(head)) + head)
    for array in bodies.values():
        pipe.write(array.tobytes())
    pipe.flush()


def plain(value: Any, np: Any) -> Any:
    """NumPy's values as JSON has them; a dtype becomes its name."""
    if isinstance(value, dict):
        return {key: plain(item, np) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, np) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, type):
        return np.dtype(value).name
    return value


class Sessions:
    """The files that are open, by number."""

    def __init__(self, np: Any, interpreter: Any) -> None:
        self.np = np
        self.interpreter = interpreter
        self.opened: dict[int, Any] = {}
        self.count = 0

    def open(self, request: dict[str, Any], arrays: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        made = self.interpreter(model_path=request["path"], num_threads=request["threads"])
        made.allocate_tensors()
        self.count += 1
        self.opened[self.count] = made
        inputs, outputs = made.get_input_details(), made.get_output_details()
        return {"session": self.count, "inputs": plain(inputs, self.np), "outputs": plain(outputs, self.np)}, {}

    def run(self, request: dict[str, Any], arrays: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        made = self.opened[request["session"]]
        for detail in made.get_input_details():
            shape = arrays[detail["name"]].shape
            if list(shape) != list(detail["shape"]):
                made.resize_tensor_input(detail["index"], shape, strict=True)
        made.allocate_tensors()
        for detail in made.get_input_details():
            made.set_tensor(detail["index"], arrays[detail["name"]])
        made.invoke()
        return {}, {detail["name"]: made.get_tensor(detail["index"]) for detail in made.get_output_details()}

    def details(self, request: dict[str, Any], arrays: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        made = self.opened[request["session"]]
        wanted = ("name", "index", "dtype")
        tensors = [{key: tensor[key] for key in wanted} for tensor in made.get_tensor_details()]
        return {"ops": plain(made._get_ops_details(), self.np), "tensors": plain(tensors, self.np)}, {}

    def close(self, request: dict[str, Any], arrays: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        self.opened.pop(request["session"], None)
        return {}, {}


def main() -> None:
    # What a library prints must not end up between our answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # What lies beside this file must not stand for a library.
    if sys.path and Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
        del sys.path[0]
    import numpy as np
    from tflite_runtime.interpreter import Interpreter

    sessions = Sessions(np, Interpreter)
    actions = {"open": sessions.open, "run": sessions.run, "details": sessions.details, "close": sessions.close}
    while True:
        try:
            request, arrays = read_message(sys.stdin.buffer, np)
        except EOFError:
            return
        try:
            answer, results = actions[request["do"]](request, arrays)
        except (ValueError, RuntimeError, KeyError, TypeError) as error:
            answer, results = {"error": str(error) or type(error).__name__}, {}
        write_message(answers, answer, results, np)


if __name__ == "__main__":
    main()
