"""Which kernels are spatially separable: singular values of known ones, and the one that falls into k×1 and 1×k."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from .svg import HUES, Picture
from .words import Language, number, say

__all__ = ["KERNELS", "KERNELS_DRAWN", "rank_of", "singular_values"]

KERNELS: Mapping[str, NDArray[np.float64]] = {
    "box": np.ones((3, 3)),
    "gauss": np.outer([1.0, 2.0, 1.0], [1.0, 2.0, 1.0]),
    "sobel": np.outer([1.0, 2.0, 1.0], [-1.0, 0.0, 1.0]),
    "laplace": np.array([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]),
    "corner": np.array([[0.0, 1.0, 2.0], [-1.0, 0.0, 1.0], [-2.0, -1.0, 0.0]]),
    "diagonal": np.eye(3),
}
"""Name → weights."""


def singular_values(kernel: NDArray[np.float64]) -> tuple[float, ...]:
    """Over the greatest, in falling order; what is rounding is 0."""
    found = np.linalg.svd(kernel, compute_uv=False)
    return tuple(round(float(value / found[0]), 6) for value in found)


def rank_of(kernel: NDArray[np.float64]) -> int:
    """How many pairs of k×1 and 1×k it takes."""
    return sum(value > 0 for value in singular_values(kernel))


def spatial(language: Language) -> Picture:
    """Sobel's kernel as a column and a row."""
    picture = Picture(520, 190, say("spatial", language))
    cell, top = 34.0, 24.0
    column, row = np.array([[1.0], [2.0], [1.0]]), np.array([[-1.0, 0.0, 1.0]])
    _cells(picture, 40, top, KERNELS["sobel"], cell, language, figures=True)
    picture.text(186, top + 57, "=", "soft big")
    _cells(picture, 240, top, column, cell, language, figures=True)
    picture.text(318, top + 57, "∗", "soft big")
    _cells(picture, 366, top + cell, row, cell, language, figures=True)
    for x, name, count in ((91, "3×3", 9), (257, "3×1", 3), (417, "1×3", 3)):
        picture.text(x, 150, name)
        picture.text(x, 169, say("weights", language, count), "soft small")
    return picture


def ranks(language: Language) -> Picture:
    """Each kernel above the bars of its singular values."""
    picture = Picture(520, 384, say("ranks", language))
    for index, (name, kernel) in enumerate(KERNELS.items()):
        left, top = 30 + 164 * (index % 3), 16 + 194 * (index // 3)
        _cells(picture, left, top, kernel, 26, language, figures=True)
        for place, value in enumerate(singular_values(kernel)):
            x, tall = left + 92 + 15 * place, 64 * value
            picture.box(x, top + 7, 11, 64, "line")
            picture.box(x, top + 7 + 64 - tall, 11, tall, HUES[3])
        figures = " · ".join(number(value, 2, language) for value in singular_values(kernel))
        middle = left + 64
        picture.text(middle, top + 99, figures, "soft small")
        rank = rank_of(kernel)
        picture.text(middle, top + 120, say("rank", language, rank), "right bold" if rank == 1 else "int8 bold")
        picture.text(middle, top + 140, say(name, language))
    return picture


def _cells(
    picture: Picture, x: float, y: float, kernel: NDArray[np.float64], cell: float, language: Language, *, figures: bool
) -> None:
    """Positive and negative weights in two colours, the stronger the larger."""
    rows, columns = kernel.shape
    greatest = float(np.abs(kernel).max())
    for row in range(rows):
        for column in range(columns):
            value = float(kernel[row, column])
            look = "kind-6" if value > 0 else "int8"
            left, top = x + column * cell, y + row * cell
            picture.box(left, top, cell, cell, "bar")
            if value:
                picture.box(left, top, cell, cell, look, opacity=0.2 + 0.6 * abs(value) / greatest)
            if figures:
                told = number(value, 0, language).replace("-", "−")
                picture.text(left + cell / 2, top + cell / 2 + 5, told, "ink bold")
    across = [[(x, y + row * cell), (x + columns * cell, y + row * cell)] for row in range(1, rows)]
    down = [[(x + column * cell, y), (x + column * cell, y + rows * cell)] for column in range(1, columns)]
    picture.lines([*across, *down], "grid")
    ends = (x + columns * cell, y + rows * cell)
    picture.line([(x, y), (ends[0], y), ends, (x, ends[1]), (x, y)], "edge", 1.6)


KERNELS_DRAWN: Mapping[str, Callable[[Language], Picture]] = {"spatial": spatial, "ranks": ranks}
"""Name of the file → the picture."""
