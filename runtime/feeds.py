"""What is asked of a file and of arrays before any runtime sees them, so that each refuses the same things alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, RunError
from .interface import TensorInfo

__all__ = ["check_feeds", "check_file", "check_threads", "refused"]


def check_file(path: Path, runtime: str, suffixes: tuple[str, ...]) -> None:
    """Raises InputError unless `path` is a file with something in it and an ending that `runtime` reads."""
    if not path.exists():
        raise InputError(str(path), "no such file")
    if not path.is_file():
        raise InputError(str(path), "not a file", accepted=f"a file ending in {' or '.join(suffixes)}")
    if path.suffix not in suffixes:
        raise InputError(
            str(path),
            f"{runtime} does not read '{path.suffix}' files",
            accepted=f"files ending in {' or '.join(suffixes)}",
        )
    if path.stat().st_size == 0:
        raise InputError(str(path), "the file is empty")


def check_threads(where: str, threads: int) -> None:
    """Raises RunError unless `threads` ≥ 1."""
    if threads < 1:
        raise RunError(where, f"cannot run with {threads} threads", accepted="1 or more")


def check_feeds(where: str, inputs: Sequence[TensorInfo], feeds: Mapping[str, NDArray[Any]]) -> None:
    """Raises RunError unless `feeds` has each of `inputs`, and nothing else, in its shape and dtype.

    where: the file, for the message. An input's dimension of −1 takes any size.
    """
    known = {info.name for info in inputs}
    accepted = ", ".join(sorted(known))
    for name in sorted(set(feeds) - known):
        raise RunError(where, f"has no input '{name}'", accepted=accepted)
    for info in inputs:
        if info.name not in feeds:
            raise RunError(where, f"input '{info.name}' was not given", accepted=accepted)
        _check_array(where, info, feeds[info.name])


def _check_array(where: str, info: TensorInfo, array: NDArray[Any]) -> None:
    if not isinstance(array, np.ndarray):
        raise RunError(where, f"input '{info.name}' is {type(array).__name__}, not a NumPy array")
    fits = len(array.shape) == len(info.shape) and all(
        have == want or want == -1 for have, want in zip(array.shape, info.shape, strict=True)
    )
    if not fits:
        wanted = "×".join("any" if size == -1 else str(size) for size in info.shape) or "a scalar"
        raise RunError(where, f"input '{info.name}' is {list(array.shape)}", accepted=wanted)
    if array.dtype.name != info.dtype:
        raise RunError(where, f"input '{info.name}' is {array.dtype.name}", accepted=info.dtype)


def refused(path: Path | str, runtime: str, error: BaseException, *, doing: str = "load") -> RunError:
    """A foreign error, told as ours: the file, the runtime and the first line of its own words that says something."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = next((line for line in lines if line and not line.endswith(":")), type(error).__name__)
    return RunError(str(path), f"{runtime} cannot {doing} it ({told[:400]})")
