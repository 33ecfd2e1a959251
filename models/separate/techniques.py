"""The techniques in one table: what each may be put in the place of, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from . import depthwise_pointwise, low_rank_pointwise, pointwise_depthwise, spatial
from .convolution import Convolution
from .factored import Factored
from .fit import Data

__all__ = ["SHARES", "TECHNIQUES", "Technique", "ranks"]

SHARES = (0.08, 0.15, 0.25, 0.35, 0.5, 0.65, 0.8)
"""Of a layer's MACs: the greatest rank that keeps to each is worth a look."""
_NONE = 0.95
"""What saves less than the rest of 1 is no gain: two layers take longer than one of as many MACs."""


@dataclass(frozen=True)
class Technique:
    """kinds: of `graph.kinds`, those whose layers it may take. most: the exact rank, 0 where it makes nothing.
    macs, params: by rank, biases apart. separate: the nearest of a rank, with data or without.
    """

    name: str
    kinds: Collection[str]
    most: Callable[[Convolution], int]
    macs: Callable[[Convolution, int], int]
    params: Callable[[Convolution, int], int]
    separate: Callable[[Convolution, int, Data | None], Factored]


TECHNIQUES = tuple(
    Technique(room.NAME, kinds, room.most, room.macs, room.params, room.separate)
    for room, kinds in (
        (depthwise_pointwise, ("standard",)),
        (pointwise_depthwise, ("standard",)),
        (spatial, ("standard",)),
        (low_rank_pointwise, ("pointwise",)),
    )
)


def ranks(technique: Technique, convolution: Convolution) -> tuple[int, ...]:
    """Ranks that are worth a look, rising: for each of SHARES the greatest that costs no more; and always the least
    one, if it saves anything.
    """
    most = technique.most(convolution)
    if not most or technique.macs(convolution, 1) > _NONE * convolution.macs:
        return ()
    each = technique.macs(convolution, 1)
    found = {1, *(min(int(share * convolution.macs) // each, most) for share in SHARES)}
    return tuple(sorted(rank for rank in found if rank > 0))
