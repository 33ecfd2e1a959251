"""The self-test of a bundle that is a program: its golden inputs go in, what comes out is compared without NumPy.

The program reads samples from standard input until it ends, writes their outputs, then one line of JSON on standard
error: {"p50_ms": …, "times_ms": […], "arena_bytes": …}.
"""

from __future__ import annotations

import importlib.util
import json
import math
import stat
import sys
from array import array
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any

from . import child
from .child import Ended, Limits
from .errors import Refused
from .manifest import Manifest
from .place import Place
from .tried import GOLDEN, KIND, Tried, failed, number

__all__ = ["declared_program", "try_native"]

_LEAST_RUNS = 5
_MOST_BYTES = 256 << 20
_CHUNK = 1 << 16
_TYPES = {"float32": "f", "int8": "b", "uint8": "B"}
"""Of an output → of the array module."""


@dataclass(frozen=True)
class _Golden:
    """inputs: of all samples. outputs: what is right for them. rms: at most, over all samples."""

    inputs: bytes
    outputs: array[Any]
    samples: int
    rms: float


def declared_program(folder: Path, manifest: Manifest) -> Path:
    """The one file of the bundle that may be executed, absolute. Raises Refused of kind KIND."""
    name = manifest.program
    if name is None or manifest.file(name).role != "program":
        raise Refused(manifest.version, f"{name!r} is not declared as a program", kind=KIND)
    path = folder.resolve() / name
    if path.resolve() != path:
        raise Refused(manifest.version, f"the program {name!r} is reached over a link", kind=KIND)
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode) or not mode & stat.S_IXUSR:
        raise Refused(manifest.version, f"the program {name!r} is no file that may be executed", kind=KIND)
    return path


def try_native(folder: Path, manifest: Manifest, place: Place, *, work: Path, limits: Limits, mark: str) -> Tried:
    """The golden samples once; as often as a latency needs if there is a bound. work: an empty folder of its own.

    Raises Refused of kind KIND.
    """
    program, golden = declared_program(folder, manifest), _golden(folder / GOLDEN)
    rounds = 1 if manifest.bounds.p50_ms is None else math.ceil(_LEAST_RUNS / golden.samples)
    expected = rounds * len(golden.outputs) * golden.outputs.itemsize
    watch = _Watch(place.bench)
    ended = child.run(
        place.command(program),
        folder=work,
        environment=place.surroundings(work),
        limits=replace(limits, output_bytes=max(expected, _CHUNK)),
        feed=repeat(golden.inputs, rounds),
        awaited=expected,
        mark=mark,
    )
    disturbed = watch.end()
    if ended.failure:
        raise failed(manifest.runtime, ended)
    if len(ended.output) != expected:
        what = f"wrote {len(ended.output)} bytes for {rounds * golden.samples} samples, not {expected}"
        raise Refused(manifest.runtime, what, kind=KIND)
    rms = _worst_rms(ended.output, golden)
    finite = math.isfinite(rms)
    wrong = f"rms error {rms:.4g}, at most {golden.rms:.4g}" if finite else "the outputs are not finite"
    right = finite and rms <= golden.rms
    p50_ms = _p50_ms(manifest.runtime, ended)
    return Tried("" if right else wrong, rms if finite else None, p50_ms, ended.peak_rss_bytes, disturbed)


def _worst_rms(got: bytes, golden: _Golden) -> float:
    """Of the rounds, each compared with all golden outputs; NaN and infinity are worse than anything."""
    size = len(golden.outputs) * golden.outputs.itemsize
    found = [
        _rms(_values(golden.outputs.typecode, got[start : start + size]), golden.outputs)
        for start in range(0, len(got), size)
    ]
    return max((value if math.isfinite(value) else math.inf for value in found), default=math.inf)


def _rms(got: array[Any], right: array[Any]) -> float:
    # In C, and piece by piece: a float of Python takes 24 bytes.
    pieces = range(0, len(right), _CHUNK)
    distances = [math.dist(got[start : start + _CHUNK], right[start : start + _CHUNK]) for start in pieces]
    return math.hypot(*distances) / math.sqrt(len(right))


def _values(typecode: str, data: bytes) -> array[Any]:
    values: array[Any] = array(typecode)
    values.frombytes(data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _golden(folder: Path) -> _Golden:
    where = folder / "tolerance.json"
    try:
        told = json.loads(where.read_bytes().decode("utf-8"))
        sizes = [told[name] for name in ("samples", "input_bytes", "output_bytes")]
        rms, dtype = told["rms"], told["output_dtype"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
        raise Refused(str(where), f"cannot be read ({error})", kind=KIND) from error
    whole = all(type(size) is int and 0 < size <= _MOST_BYTES for size in sizes)
    if not whole or type(rms) not in (int, float) or not 0 <= rms < 1e18 or dtype not in _TYPES:
        raise Refused(str(where), "has a field that cannot be used", kind=KIND)
    samples, input_bytes, output_bytes = sizes
    inputs = _exactly(folder / "inputs.bin", samples * input_bytes)
    outputs = _exactly(folder / "outputs.bin", samples * output_bytes)
    if output_bytes % array(_TYPES[dtype]).itemsize:
        raise Refused(str(where), f"{output_bytes} bytes are no number of {dtype} values", kind=KIND)
    return _Golden(inputs, _values(_TYPES[dtype], outputs), samples, float(rms))


def _exactly(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(size + 1)
    except OSError as error:
        raise Refused(str(path), f"cannot be read ({error.strerror or error})", kind=KIND) from error
    if len(data) != size:
        more = "more" if len(data) > size else str(len(data))
        raise Refused(str(path), f"has {more} bytes, tolerance.json says {size}", kind=KIND)
    return data


def _p50_ms(runtime: str, ended: Ended) -> float | None:
    for line in reversed(ended.said.decode("utf-8", "replace").splitlines()):
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(told, dict) and "p50_ms" in told:
            return number(runtime, told["p50_ms"])
    raise Refused(runtime, "did not tell its times on standard error", kind=KIND)


class _Watch:
    """What else the board did meanwhile, as the measuring program sees it; nothing where that is not installed."""

    def __init__(self, bench: str) -> None:
        self._module = _loaded(bench)
        self._watch = self._module.Watch() if self._module else None

    def end(self) -> tuple[str, ...]:
        if self._module is None or self._watch is None:
            return ()
        # The clock of a board that has just begun, or ended, to work says nothing.
        return tuple(self._module.disturbances(self._watch.end(), loaded=False))


def _loaded(bench: str) -> Any:
    spec = importlib.util.spec_from_file_location("sepia_bench", bench) if Path(bench).is_file() else None
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
