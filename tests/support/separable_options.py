"""Options of made-up layers, with the MACs and errors that a test wants."""

from __future__ import annotations

import numpy as np
from sepia.models.separate.descend import Chosen
from sepia.models.separate.factored import Factored, Stage
from sepia.models.separate.options import Option

__all__ = ["added", "option"]


def option(layer: str, macs: int, error: float) -> Option:
    stage = Stage("part", np.zeros((macs, 1, 1), np.float32), (1,), ((0, 0),), (1,), 1, (1,))
    return Option(layer, Factored("drawn", macs, ((stage,),), None, np.zeros((1, 1, 1))), error, error, True)


def added(chosen: Chosen) -> float:
    return float(np.sqrt(sum(one.error**2 for one in chosen.values())))
