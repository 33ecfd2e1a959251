"""Volumes of cells in isometric projection: width goes right and down, channels left and down, height down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi, sin

from .svg import Picture, Point

__all__ = ["Solid", "extent", "slices"]

_ACROSS, _DOWN = cos(pi / 6), sin(pi / 6)

Span = tuple[int, int]


@dataclass(frozen=True)
class Solid:
    """width × height × depth cells with their far upper corner at (x, y); `cell` is an edge's length.

    hue: class of its colour. window: cells [from, to) along width, height and depth that are another colour,
    window_hue; what of it lies on a face that can be seen is drawn.
    """

    x: float
    y: float
    width: int
    height: int
    depth: int
    cell: float
    hue: str = "bar"
    window: tuple[Span, Span, Span] | None = None
    window_hue: str = "int8"

    def draw(self, picture: Picture) -> None:
        for face in ("top", "front", "side"):
            self._face(picture, face)
        picture.line(self._outline(), "edge", 1.6)
        corner = self.at(self.width, 0, self.depth)
        ends = (self.at(0, 0, self.depth), self.at(self.width, 0, 0), self.at(self.width, self.height, self.depth))
        picture.lines([(corner, end) for end in ends], "edge")

    def at(self, across: float, down: float, deep: float) -> Point:
        """A point of its own coordinates, in cells, on the page."""
        return (
            self.x + (across - deep) * _ACROSS * self.cell,
            self.y + (across + deep) * _DOWN * self.cell + down * self.cell,
        )

    def _face(self, picture: Picture, face: str) -> None:
        first, second = self._sizes(face)
        whole = self._part(face, (0, first), (0, second))
        looks = {"top": "lit", "side": "shade"}
        picture.polygon(whole, self.hue)
        if (spans := self._window_on(face)) is not None:
            picture.polygon(self._part(face, *spans), self.window_hue)
        if face in looks:
            picture.polygon(whole, looks[face])
        rows = [(self._on(face, at, 0), self._on(face, at, second)) for at in range(1, first)]
        columns = [(self._on(face, 0, at), self._on(face, first, at)) for at in range(1, second)]
        picture.lines([*rows, *columns], "grid")

    def _sizes(self, face: str) -> tuple[int, int]:
        return {
            "top": (self.width, self.depth),
            "front": (self.width, self.height),
            "side": (self.depth, self.height),
        }[face]

    def _on(self, face: str, first: float, second: float) -> Point:
        if face == "top":
            return self.at(first, 0, second)
        return self.at(first, second, self.depth) if face == "front" else self.at(self.width, second, first)

    def _part(self, face: str, first: Span, second: Span) -> list[Point]:
        corners = ((first[0], second[0]), (first[1], second[0]), (first[1], second[1]), (first[0], second[1]))
        return [self._on(face, *corner) for corner in corners]

    def _window_on(self, face: str) -> tuple[Span, Span] | None:
        if self.window is None:
            return None
        across, down, deep = self.window
        if face == "top":
            return (across, deep) if down[0] == 0 else None
        if face == "front":
            return (across, down) if deep[1] == self.depth else None
        return (deep, down) if across[1] == self.width else None

    def _outline(self) -> list[Point]:
        w, h, d = self.width, self.height, self.depth
        corners = [(0, 0, d), (0, 0, 0), (w, 0, 0), (w, h, 0), (w, h, d), (0, h, d), (0, 0, d)]
        return [self.at(*corner) for corner in corners]


def extent(width: float, height: float, depth: float, cell: float) -> tuple[float, float, float]:
    """How far a solid reaches left of its corner, right of it, and below."""
    return depth * _ACROSS * cell, width * _ACROSS * cell, ((width + depth) * _DOWN + height) * cell


def slices(x: float, y: float, count: int, cell: float, gap: float = 0.7) -> Iterator[Point]:
    """Corners of `count` solids one cell deep, each in front of the last with a gap, the farthest first."""
    for number in range(count):
        away = number * (1 + gap)
        yield x - away * _ACROSS * cell, y + away * _DOWN * cell
