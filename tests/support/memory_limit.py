"""A limit on the memory of a group of processes, by a control group of the kernel's, version 1 or 2."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["MemoryLimit"]

_V1 = Path("/sys/fs/cgroup/memory")
_V2 = Path("/sys/fs/cgroup")


class MemoryLimit:
    """Control group `name`, made by `set`, removed when the block ends or by the next of that name."""

    def __init__(self, name: str) -> None:
        self._first = (_V1 / "memory.limit_in_bytes").exists()
        self._group = (_V1 if self._first else _V2) / name

    def __enter__(self) -> Self:
        self._remove()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def set(self, size: int) -> None:
        """Let the group have `size` bytes. Raises OSError if the kernel has no such groups, or they are not ours."""
        if not self._first:
            (_V2 / "cgroup.subtree_control").write_text("+memory")
        self._group.mkdir(exist_ok=True)
        (self._group / ("memory.limit_in_bytes" if self._first else "memory.max")).write_text(str(size))

    def join(self, pid: int) -> None:
        """Put process `pid` under the limit, if there is one: it, and what it starts from now on."""
        if self._group.exists():
            (self._group / "cgroup.procs").write_text(str(pid))

    def _remove(self) -> None:
        for _ in range(100):
            try:
                self._group.rmdir()
            except FileNotFoundError:
                return
            except OSError:  # busy until the kernel has reaped what it killed
                time.sleep(0.02)
