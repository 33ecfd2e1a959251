"""A process that dies at its k-th act on the disk, in the place of a power cut: kill -9, or an exception from nowhere.

What was not synced survives a killed process; that is for `power_cuts.py`. `synced` looks at the order of acts instead:
whatever gets its last name was durable before it, and the name is durable before the next one.
"""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

__all__ = ["Cut", "acts_of", "cut_by_exception", "killed_at", "synced"]

ACTS = ("fsync", "replace", "rename", "symlink", "mkdir", "rmdir", "unlink")


class Cut(BaseException):
    """The power is gone; nobody catches it."""


def acts_of(does: Callable[[], object]) -> int:
    """How many acts on the disk it is, run in a child so that nothing of it stays in this process."""
    reads, writes = os.pipe()
    if not (child := os.fork()):
        with _acting(lambda number: None) as done:
            does()
        os.write(writes, str(done[0]).encode())
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as told:
        text = told.read()
    assert os.waitpid(child, 0)[1] == 0
    return int(text)


def killed_at(act: int, does: Callable[[], object]) -> bool:
    """Run it in a child that is killed just before its `act`-th act (from 1); whether it came so far."""
    if not (child := os.fork()):
        with _acting(lambda number: os.kill(os.getpid(), signal.SIGKILL) if number == act else None):
            does()
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def cut_by_exception(act: int, does: Callable[[], object]) -> bool:
    """The same in this process, by an exception at that act."""

    def cut(number: int) -> None:
        if number == act:
            raise Cut

    try:
        with _acting(cut):
            does()
    except Cut:
        return True
    return False


@contextmanager
def synced(root: Path) -> Iterator[list[str]]:
    """What is wrong with the order of acts below `root`, a line each."""
    known: dict[int, int] = {}
    wrong: list[str] = []
    unnamed: set[Path] = set()
    fsync, replace, rename = os.fsync, os.replace, os.rename

    def on_fsync(descriptor: int) -> None:
        found = os.fstat(descriptor)
        known[found.st_ino] = found.st_mtime_ns
        unnamed.discard(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    def on_rename(does: Callable[..., None]) -> Callable[..., None]:
        def renamed(source: Any, target: Any) -> None:
            source, target = Path(source), Path(target)
            stale = [] if target.suffix == ".gone" else list(_stale(source, known))
            wrong.extend(f"{path} was not synced before it was named {target}" for path in stale)
            wrong.extend(f"{folder} was not synced before {target} was named" for folder in unnamed)
            does(source, target)
            unnamed.add(target.parent)

        return renamed

    patches = {"fsync": on_fsync, "replace": on_rename(replace), "rename": on_rename(rename)}
    with mock.patch.multiple(os, **patches):
        yield wrong
    wrong.extend(f"{folder} was not synced at the end" for folder in unnamed)


def _stale(path: Path, known: dict[int, int]) -> Iterator[Path]:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return
    if known.get(found.st_ino) != found.st_mtime_ns:
        yield path
    if stat.S_ISDIR(found.st_mode):
        for inside in path.iterdir():
            yield from _stale(inside, known)


@contextmanager
def _acting(at: Callable[[int], object]) -> Iterator[list[int]]:
    """at: called with the number of each act before it is done."""
    done = [0]

    def counted(does: Callable[..., Any]) -> Callable[..., Any]:
        def act(*words: Any, **how: Any) -> Any:
            done[0] += 1
            at(done[0])
            return does(*words, **how)

        return act

    with mock.patch.multiple(os, **{name: counted(getattr(os, name)) for name in ACTS}):
        yield done
