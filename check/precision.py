"""Which of a session's layers ran in float, from what the runtime says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..runtime.interface import Placement

__all__ = ["FLOATS", "float_ops", "float_placements"]

FLOATS = ("float32", "float16", "bfloat16")


def float_placements(placements: Iterable[Placement]) -> list[Placement]:
    """Those that computed in float; what only moves or converts values says "none"."""
    return [found for found in placements if found.precision in FLOATS]


def float_ops(placements: Sequence[Placement]) -> tuple[str, ...] | None:
    """Each as "op (precision)"; None where the runtime tells nothing."""
    if not placements:
        return None
    return tuple(f"{found.op} ({found.precision})" for found in float_placements(placements))
