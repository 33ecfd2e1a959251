"""The golden folder of a bundle: few inputs with what is right for them, so that a slow board's self-test is quick."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..check.golden import write_goldens
from ..check.model_facts import ModelFacts
from ..check.model_folder import Artifact, ModelFolder
from ..check.network import NetworkFile
from ..check.sample_inputs import sample_inputs
from ..errors import InputError
from ..files import replacing, write_text
from .network_files import NetworkFiles, Part

__all__ = ["SAMPLES", "write_golden"]

SAMPLES = 2

Arrays = Mapping[str, NDArray[Any]]


def write_golden(
    folder: ModelFolder, network: NetworkFiles, facts: ModelFacts, work: Path, *, data: Path | None = None
) -> tuple[Part, ...]:
    """Write `inputs`, `outputs` and `tolerance.json` into `work`, of SAMPLES samples; the parts that they are.

    As `runtime/bench.py` reads them (.npz), or for a program raw: little-endian tensors, inputs in the program's order,
    one sample after another (.bin). data: folder of photos, .npz or .npy; None: the photos that come with scikit-image.
    Raises InputError (no float ONNX file, unfit data), RunError and OutputError.
    """
    wanted = network.artifact
    files = [Artifact(folder.require("onnx", precision), "onnx", precision) for precision in ("float", "int8")]
    if wanted not in files:
        files.append(wanted)

    def place(file: NetworkFile) -> Path:
        return work / "golden" if file == wanted else work / "others" / f"{file.format}-{file.precision}"

    write_goldens(files, sample_inputs(data, facts, limit=SAMPLES), place, samples=SAMPLES)
    return _raw(work / "golden", network) if network.native else _parts(work / "golden")


def _parts(folder: Path) -> tuple[Part, ...]:
    return tuple(Part(f"golden/{path.name}", path, "golden") for path in sorted(folder.iterdir()))


def _raw(folder: Path, network: NetworkFiles) -> tuple[Part, ...]:
    inputs, outputs = _loaded(folder / "inputs.npz"), _loaded(folder / "outputs.npz")
    rms = json.loads((folder / "tolerance.json").read_text(encoding="utf-8"))["rms"]
    if len(network.outputs) != 1:
        raise InputError(
            str(network.artifact.path), f"has {len(network.outputs)} outputs", accepted="one, of a program"
        )
    samples = len(next(iter(outputs.values())))
    raw = folder.with_name("raw")
    sizes = {
        "input_bytes": _write(raw / "inputs.bin", inputs, network.inputs, samples),
        "output_bytes": _write(raw / "outputs.bin", outputs, network.outputs, samples),
    }
    (tolerance,) = rms.values()
    told = {"rms": tolerance, "samples": samples, "output_dtype": network.outputs[0]["dtype"], **sizes}
    write_text(raw / "tolerance.json", json.dumps(told, indent=1, sort_keys=True) + "\n")
    return _parts(raw)


def _write(path: Path, arrays: Arrays, ends: Sequence[Mapping[str, Any]], samples: int) -> int:
    """Bytes of one sample."""
    pieces = [
        np.ascontiguousarray(arrays[end["name"]][sample], np.dtype(end["dtype"]).newbyteorder("<")).tobytes()
        for sample in range(samples)
        for end in ends
    ]
    with replacing(path) as partial:
        partial.write_bytes(b"".join(pieces))
    return sum(map(len, pieces)) // samples


def _loaded(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
