"""Whole graphs: one to three inputs, one to six steps, one to three outputs, float or codes."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from . import draw_elementwise, draw_layers, draw_moves, draw_pools, draw_resize
from .draft import Draft, Drawn, Grid, Value
from .families import FAMILIES
from .grids import fitted

__all__ = ["FILES", "drawn_graphs"]

FILES = (draw_layers, draw_pools, draw_elementwise, draw_moves, draw_resize)
"""Modules that fill the table of families."""
_LARGEST = 6000
"""Elements of a value."""


def _shape(draft: Draft) -> tuple[int, ...]:
    rank = draft.pick((4, 4, 4, 4, 3, 2, 4, 3, 5))
    batch = draft.pick((1, 1, 1, 2))
    if rank == 2:
        return (batch, draft.pick((4, 1, 7, 16, 33)))
    channels = draft.pick((4, 1, 2, 3, 6, 8, 12))
    if rank == 3:
        return (batch, channels, draft.pick((6, 1, 5, 9, 16)))
    if rank == 5:
        return (batch, channels, *(draft.pick((3, 2, 4)) for _ in range(3)))
    return (batch, channels, draft.pick((5, 1, 4, 7, 8)), draft.pick((6, 1, 5, 4, 9)))


def _input(draft: Draft, number: int, shape: tuple[int, ...]) -> Value:
    """Noise; in a graph of codes mostly numbers that lie on the grid of their pair, so that nothing ties there."""
    name = f"x{number}"
    array = draft.rng.normal(0, draft.pick((1.0, 0.1, 20.0)), shape)
    if draft.dtype is None or draft.chance(5):
        array = array.astype(np.float32)
        draft.feeds[name] = array
        return draft.value(name, array)
    grid = fitted(draft, array)
    if not draft.chance(20):
        array = np.rint(array / grid.scale) * grid.scale
    array = array.astype(np.float32)
    draft.feeds[name] = array
    return draft.paired(draft.value(name, array), Grid(grid.scale, grid.zero_point))


def _step(draft: Draft) -> None:
    x = draft.pool[-1] if not draft.chance(40) else draft.pick(draft.pool)
    fitting = [family for family in FAMILIES if family.fits(draft, x) for _ in range(family.weight)]
    made = draft.pick(fitting).draw(draft, x)
    draft.pool += [value for value in made if 0 < value.sample.size <= _LARGEST]


@st.composite
def drawn_graphs(draw: st.DrawFn, codes: bool) -> Drawn:
    """codes: whether activations are held as codes."""
    draft = Draft(draw, codes)
    draft.opset = draft.pick((20, 13, 17, 18, 19, 21, 14, 15, 16, 22))
    first = _shape(draft)
    draft.dynamic = draft.chance(8)
    shapes = [first]
    for _ in range(draft.pick((0, 0, 0, 1, 2))):
        shapes.append(first if draft.dynamic or not draft.chance(40) else _shape(draft))
    for number, shape in enumerate(shapes):
        draft.pool.append(_input(draft, number, shape))
    inputs = list(draft.pool)
    for _ in range(draft.between(1, 6)):
        _step(draft)
    made = [value for value in draft.pool if value not in inputs]
    if not made:
        made = draft.raw("Identity", [inputs[0].name])
    outputs = [made[-1]]
    for value in made[:-1]:
        if len(outputs) < 3 and draft.chance(20):
            outputs.append(value)
    return draft.finished(outputs)
