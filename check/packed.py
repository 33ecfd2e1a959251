"""A folder with one file and inputs for it, to be run where Sepia is not, and what was made there read back."""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RunError
from ..files import replacing
from ..runtime.interface import Runtime, TensorInfo
from .network import first_installed

__all__ = ["INPUTS", "Arrays", "Packed", "pack", "reader_like", "write_arrays"]

INPUTS = "inputs.npz"

Arrays = Mapping[str, NDArray[Any]]
"""Name of an input or output in the file → array in the file's own layout and dtype."""


@dataclass(frozen=True)
class Packed:
    """folder: holds `model` (of an IR, its .bin beside it) and INPUTS, in which `samples` are stacked along axis 0.

    outputs: as the file has them.
    """

    folder: Path
    model: str
    samples: int
    outputs: tuple[TensorInfo, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(sorted(self.folder.iterdir()))

    def read(self, path: Path) -> list[Arrays]:
        """Each sample's outputs, of the stacked ones that were made elsewhere.

        Raises RunError if a name, shape or dtype is not the file's.
        """
        found = self._arrays(path)
        pieces = {info.name: self._split(info, found.get(info.name)) for info in self.outputs}
        return [{name: arrays[at] for name, arrays in pieces.items()} for at in range(self.samples)]

    def _arrays(self, path: Path) -> Arrays:
        if not zipfile.is_zipfile(path):
            raise RunError(self.model, "its outputs cannot be read (not an .npz file)")
        try:
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise RunError(self.model, f"its outputs cannot be read ({error})") from error

    def _split(self, info: TensorInfo, stacked: NDArray[Any] | None) -> list[NDArray[Any]]:
        if stacked is None:
            raise RunError(self.model, f"gave no output '{info.name}'")
        whole = stacked.ndim > 0 and len(stacked) % self.samples == 0
        pieces = np.split(stacked, self.samples) if whole else []
        if not pieces or not _fits(pieces[0], info):
            raise RunError(
                self.model,
                f"gave '{info.name}' as {stacked.dtype}{list(stacked.shape)} of {self.samples} samples",
                accepted=f"{info.dtype}{list(info.shape)} each",
            )
        return pieces


def pack(file: Path, outputs: Sequence[TensorInfo], feeds: Sequence[Arrays], folder: Path) -> Packed:
    """Copy `file` and write `feeds`, one for each sample, into `folder`. Raises OutputError."""
    for part in (file, file.with_suffix(".bin")) if file.suffix == ".xml" else (file,):
        with replacing(folder / part.name) as partial:
            shutil.copyfile(part, partial)
    write_arrays(folder / INPUTS, {name: np.concatenate([feed[name] for feed in feeds]) for name in feeds[0]})
    return Packed(folder, file.name, len(feeds), tuple(outputs))


def reader_like(runtime: Runtime, known: Mapping[str, Runtime]) -> Runtime:
    """`runtime`, or where it isn't installed the first that prefers the same format. Raises RuntimeUnavailable."""
    others = [other for other in known.values() if other.suffixes[0] == runtime.suffixes[0]]
    return first_installed([runtime, *others])


def write_arrays(path: Path, arrays: Arrays) -> None:
    """An .npz file. Raises OutputError."""
    with replacing(path) as partial, partial.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def _fits(array: NDArray[Any], info: TensorInfo) -> bool:
    sizes = len(array.shape) == len(info.shape) and all(
        want in (-1, have) for have, want in zip(array.shape, info.shape, strict=True)
    )
    return sizes and array.dtype.name == info.dtype
