"""Where a network comes from: the zoo, a user's `file.py:factory`, a `.pt2` or an `.onnx`.

A factory is a function without arguments that returns a `torch.nn.Module`, or (module, example input). How its input
is prepared and what its classes are called may stand on the module or on the function:

    def small() -> torch.nn.Module: ...
    small.preparation = {"height": 96, "width": 96, "resize": 110, "mean": [127.5] * 3, "scale": [127.5] * 3}
    small.labels = ["cat", "dog"]

The keys are those of `sepia.inputs.Preparation`. Without an example, the input is [1, 3, 224, 224], or what the
preparation says.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import InputError, ModelError, nearest
from ..inputs import Preparation, labels_from_json
from ..inputs.metadata import labels_of, preparation_of
from .zoo import ZOO, ZooEntry

if TYPE_CHECKING:
    import torch

__all__ = ["LoadedSource", "load_source"]

_ACCEPTED = "a name of the zoo, file.py:factory, a .pt2 or an .onnx file"


@dataclass(frozen=True)
class LoadedSource:
    """A network ready to be exported. name: fit for a folder's name.

    program: captured by torch, None for an ONNX file. onnx: the file, None for all others. preparation, labels: None
    where the source does not say.
    """

    kind: Literal["zoo", "factory", "pt2", "onnx"]
    name: str
    program: torch.export.ExportedProgram | None
    onnx: Path | None
    preparation: Preparation | None
    labels: tuple[str, ...] | None


def load_source(text: str, workdir: Path, *, dynamic_batch: bool = False) -> LoadedSource:
    """Load what `text` names.

    workdir: an existing folder for what the capture of a factory leaves: `capture.pt2`, and `capture.log` with all
    that the factory printed (kept among the system's temporary files where it failed). dynamic_batch: capture with a
    first dimension of any size (zoo and factory; a `.pt2` has it or not). Raises ModelError: one line that says what
    is wrong and what is accepted.
    """
    if text.lower() in ZOO:
        return _from_zoo(ZOO[text.lower()], dynamic_batch)
    path, _, factory = text.rpartition(":")
    if path.endswith(".py"):
        return _from_factory(Path(path), factory, workdir, dynamic_batch)
    suffix = Path(text).suffix.lower()
    if suffix == ".py":
        raise ModelError(text, "does not say which function builds the network", accepted=f"{text}:FUNCTION")
    if suffix == ".pt2":
        return _from_pt2(_existing(Path(text)))
    if suffix == ".onnx":
        return _from_onnx(_existing(Path(text)))
    if suffix in (".pt", ".pth", ".ckpt", ".safetensors"):
        raise ModelError(
            text, "holds weights without a network", accepted=_ACCEPTED, hint="load it in a factory: file.py:factory"
        )
    raise ModelError(text, "is no known network", accepted=_ACCEPTED, hint=nearest(text.lower(), ZOO))


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ModelError(str(path), "is a folder" if path.is_dir() else "does not exist", accepted=_ACCEPTED)
    return path


def _from_zoo(entry: ZooEntry, dynamic_batch: bool) -> LoadedSource:
    import torch

    example = torch.zeros(2 if dynamic_batch else 1, *entry.input_shape[1:])
    axes = ({0: torch.export.Dim("batch")},) if dynamic_batch else None
    with torch.no_grad():
        program = torch.export.export(entry.build(), (example,), dynamic_shapes=axes)
    return LoadedSource("zoo", entry.name, program, None, entry.preparation, entry.labels)


def _from_factory(file: Path, factory: str, workdir: Path, dynamic_batch: bool) -> LoadedSource:
    where = f"{file}:{factory}"
    if not factory.isidentifier():
        raise ModelError(where, f"'{factory}' is no function's name", accepted="file.py:factory")
    _existing(file)
    outcome = _run_capture(where, file, factory, workdir, dynamic_batch)
    if "error" in outcome:
        raise ModelError(where, outcome["error"], hint=outcome["hint"] or _see(workdir))
    return LoadedSource(
        "factory",
        f"{file.stem}-{factory}",
        _load_program(workdir / "capture.pt2"),
        None,
        _preparation(where, outcome["preparation"]),
        _labels(where, outcome["labels"]),
    )


def _run_capture(where: str, file: Path, factory: str, workdir: Path, dynamic_batch: bool) -> dict[str, Any]:
    for stale in ("capture.json", "capture.pt2"):
        (workdir / stale).unlink(missing_ok=True)
    script = Path(__file__).with_name("capture.py")
    # -P: Python would put the script's folder, our room, on the path before the user's.
    command = [sys.executable, "-P", str(script), str(file.resolve()), factory, str(workdir.resolve())]
    with (workdir / "capture.log").open("wb") as log:
        done = subprocess.run(
            [*command, "dynamic" if dynamic_batch else "fixed"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
        )
    try:
        outcome: dict[str, Any] = json.loads((workdir / "capture.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        end = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise ModelError(where, f"its process ended with {end} before it was captured", hint=_see(workdir)) from None
    return outcome


def _see(workdir: Path) -> str:
    # The caller's folder may be gone by the time that the message is read.
    handle, kept = tempfile.mkstemp(prefix="sepia-capture-", suffix=".log")
    os.close(handle)
    shutil.copyfile(workdir / "capture.log", kept)
    return f"what it printed, and the traceback, are in {kept}"


def _from_pt2(path: Path) -> LoadedSource:
    return LoadedSource("pt2", path.stem, _load_program(path), None, None, None)


def _load_program(path: Path) -> torch.export.ExportedProgram:
    from .pt2 import load_pt2

    return load_pt2(path)


def _from_onnx(path: Path) -> LoadedSource:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, OSError, ValueError) as error:
        raise ModelError(str(path), f"is not an ONNX file, or is truncated ({error})") from error
    if not model.HasField("graph"):
        raise ModelError(
            str(path), "is empty" if path.stat().st_size == 0 else "is not an ONNX file: it holds no graph"
        )
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    preparation, labels = preparation_of(metadata, where=str(path)), labels_of(metadata, where=str(path))
    return LoadedSource("onnx", path.stem, None, path, preparation, labels)


def _preparation(where: str, given: Any) -> Preparation | None:
    if given is None:
        return None
    try:
        return Preparation.from_json(json.dumps(given), where=where)
    except InputError as error:
        raise ModelError(where, f"its preparation cannot be used: {error.what}", accepted=error.accepted) from error


def _labels(where: str, given: Any) -> tuple[str, ...] | None:
    if given is None:
        return None
    return labels_from_json(json.dumps(given), where=where)
