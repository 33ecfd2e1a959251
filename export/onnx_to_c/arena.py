"""Where each activation lies: one block of memory, shared by those that are never alive together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Buffer", "plan_arena"]

_ALIGNMENT = 16


@dataclass(eq=False)
class Buffer:
    """name: in C. size: in bytes. first, last: the steps between which it is alive, both inclusive."""

    name: str
    size: int
    first: int
    last: int

    def meets(self, other: Buffer) -> bool:
        """Whether both are alive at one step."""
        return self.first <= other.last and other.first <= self.last


def plan_arena(buffers: Sequence[Buffer]) -> tuple[dict[Buffer, int], int]:
    """Offset of each buffer, and the bytes of all: the greatest first, each at the lowest place that is free while it
    lives. Pisarchyk and Lee 2020, arXiv:2001.03288, section 5.2 (greedy by size for offset calculation)."""
    placed: dict[Buffer, int] = {}
    order = sorted(range(len(buffers)), key=lambda i: (-buffers[i].size, i))
    for buffer in (buffers[i] for i in order):
        offset = 0
        for start, end in sorted(
            (placed[other], placed[other] + other.size) for other in placed if other.meets(buffer)
        ):
            if offset + buffer.size <= start:
                break
            offset = max(offset, -(-end // _ALIGNMENT) * _ALIGNMENT)
        placed[buffer] = offset
    return placed, max((offset + buffer.size for buffer, offset in placed.items()), default=0)
