"""Samples in .npz and .npy files, read one at a time: a file larger than memory will do."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

__all__ = ["ArrayFile"]

_BROKEN = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class _Header:
    """What an .npy says of itself, and where in the file (or zip) it is. member: its name in the zip, "" for none."""

    member: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    fortran: bool

    @property
    def sample_bytes(self) -> int:
        return prod(self.shape[1:]) * self.dtype.itemsize


@dataclass(frozen=True)
class ArrayFile:
    """Arrays [N, …] by input name, whose shapes and types have been checked against a network's inputs."""

    path: Path
    headers: Mapping[str, _Header]

    @classmethod
    def open(cls, path: Path, inputs: Mapping[str, tuple[int, ...]]) -> ArrayFile:
        """Read the headers. inputs: name → shape with the batch first. Raises InputError: expected and found."""
        try:
            found = _headers(path)
        except _BROKEN as error:
            raise InputError(str(path), f"cannot be read as {path.suffix.lower()} ({_reason(error)})") from error
        if len(inputs) == 1 and len(found) == 1:
            found = dict(zip(inputs, found.values(), strict=True))
        missing, extra = [name for name in inputs if name not in found], [key for key in found if key not in inputs]
        if missing or extra:
            raise InputError(
                str(path),
                f"holds {_listing(found)}, the network's inputs are {_listing(inputs)}",
                accepted="one array an input, of the same name",
            )
        for name, shape in inputs.items():
            _check(path, name, found[name], shape)
        counts = {name: header.shape[0] for name, header in found.items()}
        if len(set(counts.values())) > 1:
            raise InputError(str(path), f"the inputs have different numbers of samples: {counts}")
        if 0 in counts.values():
            raise InputError(str(path), "holds no samples: the first dimension is 0")
        return cls(path, found)

    @property
    def count(self) -> int:
        return next(iter(self.headers.values())).shape[0]

    def samples(self, chosen: Sequence[int]) -> Iterator[dict[str, NDArray[np.float32]]]:
        """[1, …] float32 of each input for each index in `chosen` (rising). Raises InputError at NaN or infinity."""
        try:
            with ExitStack() as stack:
                streams = {name: self._stream(header, chosen, stack) for name, header in self.headers.items()}
                for index in chosen:
                    sample = {name: next(stream) for name, stream in streams.items()}
                    for name, values in sample.items():
                        if not np.isfinite(values).all():
                            raise InputError(str(self.path), f"sample {index} of '{name}' holds NaN or infinity")
                    yield sample
        except _BROKEN as error:
            raise InputError(str(self.path), f"cannot be read ({_reason(error)})") from error

    def _stream(self, header: _Header, chosen: Sequence[int], stack: ExitStack) -> Iterator[NDArray[np.float32]]:
        if header.fortran:  # samples are not contiguous in the file; rare enough to be held whole
            whole = _load_whole(self.path, header.member)
            return (whole[index : index + 1].astype(np.float32) for index in chosen)
        file = stack.enter_context(_open(self.path, header.member))
        _read_header(file, header.member)
        return _read_samples(file, header, chosen)


def _headers(path: Path) -> dict[str, _Header]:
    if path.suffix.lower() == ".npy":
        with _open(path, "") as file:
            return {"": _read_header(file, "")}
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if name.endswith(".npy")]
    headers = {}
    for member in members:
        with _open(path, member) as file:
            headers[member.removesuffix(".npy")] = _read_header(file, member)
    return headers


def _open(path: Path, member: str) -> IO[bytes]:
    if not member:
        return path.open("rb")
    # The archive stays open as long as the member does, and is closed with it.
    return zipfile.ZipFile(path).open(member)


def _read_header(file: IO[bytes], member: str) -> _Header:
    major, _ = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    return _Header(member, shape, dtype, fortran and len(shape) > 1)


def _read_samples(file: IO[bytes], header: _Header, chosen: Sequence[int]) -> Iterator[NDArray[np.float32]]:
    at = 0
    for index in chosen:
        file.seek((index - at) * header.sample_bytes, 1)
        data = file.read(header.sample_bytes)
        if len(data) < header.sample_bytes:
            raise EOFError(f"ends within sample {index}")
        at = index + 1
        yield np.frombuffer(data, header.dtype).reshape(1, *header.shape[1:]).astype(np.float32)


def _load_whole(path: Path, member: str) -> NDArray[np.generic]:
    loaded = np.load(path, allow_pickle=False)
    whole: NDArray[np.generic] = loaded[member.removesuffix(".npy")] if member else loaded
    return whole


def _check(path: Path, name: str, header: _Header, shape: tuple[int, ...]) -> None:
    expected = ["N", *shape[1:]]
    if list(header.shape[1:]) != list(shape[1:]) or not header.shape:
        raise InputError(str(path), f"'{name}' has shape {list(header.shape)}, expected {_text(expected)}")
    if header.dtype.kind != "f":
        raise InputError(
            str(path),
            f"'{name}' has type {header.dtype}",
            accepted="float32 or another float: values as the network reads them, mean and scale applied",
        )


def _text(shape: Sequence[object]) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"


def _listing(names: Mapping[str, object]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "nothing"


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
