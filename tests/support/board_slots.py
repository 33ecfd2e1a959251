"""Numbers of emulated boards: one board each on the whole machine, whatever process it is of."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["FOLDERS", "holding", "slot"]

FOLDERS = Path(tempfile.gettempdir()) / "sepia-boards"
_BOARDS = 250


@contextmanager
def slot() -> Iterator[tuple[int, Path]]:
    """A number from 1 that no other board has while the block runs, and an empty folder, removed when it ends."""
    _sweep()
    for number in range(1, _BOARDS + 1):
        with holding(number) as free:
            if free:
                folder = FOLDERS / str(number)
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                try:
                    yield number, folder
                finally:
                    shutil.rmtree(folder, ignore_errors=True)
                return
    raise OSError(f"{_BOARDS} boards are up already")


@contextmanager
def holding(number: int) -> Iterator[bool]:
    """Whether `number` was free; then it is ours while the block runs.

    Held by the name of a socket, which the kernel frees however the process ends.
    """
    with socket.socket(socket.AF_UNIX) as holder:
        try:
            holder.bind(f"\0sepia-test-board-{number}")
        except OSError:
            yield False
            return
        yield True


def _sweep() -> None:
    """Remove the folders of processes that were killed; all else of their boards went with them."""
    for folder in FOLDERS.glob("*"):
        with holding(int(folder.name)) as free:
            if free:
                shutil.rmtree(folder, ignore_errors=True)
