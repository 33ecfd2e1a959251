"""Resize: modes, maps of pixels, roundings, by scales and by sizes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .draft import Draft, Value
from .families import draws, ranks
from .grids import held

__all__: list[str] = []

_MAPS = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
_ROUNDINGS = ("round_prefer_floor", "floor", "ceil", "round_prefer_ceil")
_FACTORS = (2.0, 1.0, 3.0, 0.5, 1.5)


@draws(ranks(4))
def resize(draft: Draft, x: Value) -> list[Value]:
    mode = draft.pick(("nearest", "linear"))
    way = draft.pick(_MAPS)
    settings: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": way}
    if mode == "nearest":
        settings["nearest_mode"] = draft.pick(_ROUNDINGS)
    factors = [draft.pick(_FACTORS) for _ in range(2)]
    # A scale that is cut to a whole size and a size that makes a scale differ where the product is no whole number.
    sizes = [max(int(size * factor), 1) for size, factor in zip(x.shape[2:], factors, strict=True)]
    whole = all(size == old * f for size, old, f in zip(sizes, x.shape[2:], factors, strict=True))
    if draft.dynamic or (whole and not draft.chance(50)):
        factors = factors if whole else [2.0, 2.0]
        inputs = [x.name, "", draft.constant(np.array([1, 1, *factors], np.float32))]
    else:
        inputs = [x.name, "", "", draft.ints([*x.shape[:2], *sizes])]
    return [held(draft, draft.raw("Resize", inputs, **settings)[0], "Resize", x)]
