"""Golden folders: inputs in a file's own layout and dtype, what is right for them, and how far off is still right.

What runs on a board, `runtime/bench.py`, has neither ONNX nor Sepia. It feeds `inputs.npz`, compares with `outputs.npz`
and calls errors within `tolerance.json` right. Right is what float ONNX Runtime gives, for int8 files too: two correct
int8 engines differ from each other nearly as much as from float, while a saturating one is several times further off.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, RuntimeUnavailable
from ..files import write_text
from ..runtime import RUNTIMES
from ..runtime.interface import Runtime
from .network import Network, NetworkFile, first_installed, reads
from .packed import write_arrays
from .side_by_side import REFERENCE, Logits, Sample, find

__all__ = ["FLOAT_TOLERANCE", "INT8_TOLERANCE", "write_goldens"]

FLOAT_TOLERANCE = 0.005
"""Greatest rms error of a float file's output, relative to the output's own rms: fp16 is inside, bf16 is not."""

INT8_TOLERANCE = 1.5
"""Greatest rms error of an int8 file's output, relative to that of the QDQ file in ONNX Runtime on the same inputs.

Correct engines lie within 1.05 over many samples, but a handful scatter more; saturation makes it 3 and more.
"""

_LEAST_LSB = 1.0

Arrays = dict[str, NDArray[Any]]


def write_goldens(
    files: Sequence[NetworkFile],
    data: Iterable[Sample],
    folder_of: Callable[[NetworkFile], Path],
    *,
    samples: int = 4,
    known: Mapping[str, Runtime] = RUNTIMES,
) -> tuple[Path, ...]:
    """Write `inputs.npz`, `outputs.npz` and `tolerance.json` for each of `files`; the folders, in their order.

    files: the float ONNX file must be among them, and the QDQ file if any is int8. folder_of: where a file's folder is
    to be. samples: stacked along the batch. Raises InputError, RunError, RuntimeUnavailable (no runtime here opens a
    file) and OutputError.
    """
    taken = [dict(sample) for sample in islice(iter(data), samples)]
    if not taken:
        raise InputError("golden outputs", "no samples to make them of", accepted="at least one")
    right = _outputs(_required(files, "float"), taken, known)
    int8 = any(file.precision == "int8" for file in files)
    close = _outputs(_required(files, "int8"), taken, known) if int8 else right
    return tuple(_write(file, taken, right, close, folder_of(file), known) for file in files)


def _required(files: Sequence[NetworkFile], precision: str) -> NetworkFile:
    file = find(files, "onnx", precision)
    if file is None:
        raise InputError("golden outputs", f"no {precision} ONNX file to make them with")
    return file


def _outputs(file: NetworkFile, samples: Sequence[Sample], known: Mapping[str, Runtime]) -> list[Logits]:
    with Network(known[REFERENCE], file.path) as network:
        return [network.run(sample) for sample in samples]


def _write(
    file: NetworkFile,
    samples: Sequence[Sample],
    right: Sequence[Logits],
    close: Sequence[Logits],
    folder: Path,
    known: Mapping[str, Runtime],
) -> Path:
    with Network(_reader(file, known), file.path) as network:
        inputs = _stacked([network.feeds(sample) for sample in samples])
        outputs = _stacked([network.own_outputs(logits) for logits in right])
        near = _stacked([network.own_outputs(logits) for logits in close])
    tolerance = {name: _tolerance(file, outputs[name], near[name]) for name in outputs}
    write_arrays(folder / "inputs.npz", inputs)
    write_arrays(folder / "outputs.npz", outputs)
    write_text(folder / "tolerance.json", json.dumps({"rms": tolerance}, indent=1) + "\n")
    return folder


def _reader(file: NetworkFile, known: Mapping[str, Runtime]) -> Runtime:
    """The first runtime that prefers this format and is installed."""
    candidates = [runtime for runtime in known.values() if reads(runtime, file)]
    if not candidates:
        raise RuntimeUnavailable(str(file.path), "no runtime reads this format", accepted=", ".join(known))
    return first_installed(candidates)


def _stacked(runs: Sequence[Mapping[str, NDArray[Any]]]) -> Arrays:
    return {name: np.concatenate([run[name] for run in runs]) for name in runs[0]}


def _tolerance(file: NetworkFile, right: NDArray[Any], near: NDArray[Any]) -> float:
    """In the output's own unit: LSB of an integer output."""
    real = right.astype(np.float64)
    least = _LEAST_LSB if right.dtype.kind in "iu" else FLOAT_TOLERANCE * _rms(real)
    return least if file.precision == "float" else max(INT8_TOLERANCE * _rms(near.astype(np.float64) - real), least)


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
