"""The layers as pictures: which cells a value is made of, and of how many weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .solid import Solid, extent, slices
from .svg import HUES, Picture
from .words import Language, say

__all__ = ["LAYERS_DRAWN"]

_SIDE, _CHANNELS, _KERNEL, _FILTERS = 6, 4, 3, 3
_CELL = 11.0
_GAP = 0.7
_WIDE = 520
_CORNER = ((_SIDE - 1, _SIDE), (0, 1), (0, 1))
"""The cell of a slice that those behind it show, too."""


def _corner_window(depth: int) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """k×k cells of all channels, where three faces show them."""
    return ((_SIDE - _KERNEL, _SIDE), (0, _KERNEL), (0, depth))


def standard(language: Language) -> Picture:
    """A window over all channels, as many such filters as channels out."""
    picture = Picture(_WIDE, 300, say("standard", language))
    _, _, below = extent(_SIDE, _SIDE, _CHANNELS, _CELL)
    top = (250 - below) / 2
    Solid(75, top, _SIDE, _SIDE, _CHANNELS, _CELL, window=_corner_window(_CHANNELS), window_hue="float").draw(picture)
    picture.text(163, 132, "∗", "soft big")
    _, _, tall = extent(_KERNEL, _KERNEL, _CHANNELS, _CELL)
    for number in range(_FILTERS):
        y = 12 + number * (tall + 8)
        Solid(227, y, _KERNEL, _KERNEL, _CHANNELS, _CELL, hue=HUES[number]).draw(picture)
    picture.arrow((282, 126), (330, 126))
    _mixed(picture, 420, top)
    _labels(picture, language, 282, {85: "input", 428: "output"})
    picture.text(230, 282, say("filters", language), "soft")
    return picture


def depthwise(language: Language) -> Picture:
    """Each channel by itself."""
    picture = Picture(_WIDE, 222, say("depthwise", language))
    top = 22.0
    _slices(picture, 96, top, _SIDE, window=True)
    picture.text(180, 120, "∗", "soft big")
    _slices(picture, 258, top + 26, _KERNEL)
    picture.arrow((302, 116), (346, 116))
    _slices(picture, 432, top, _SIDE, one=True)
    _labels(picture, language, 202, {85: "input", 250: "one filter", 428: "output M"})
    return picture


def pointwise(language: Language) -> Picture:
    """One position, all channels."""
    picture = Picture(_WIDE, 222, say("pointwise", language))
    top = 28.0
    window = ((_SIDE - 1, _SIDE), (0, 1), (0, _CHANNELS))
    Solid(75, top, _SIDE, _SIDE, _CHANNELS, _CELL, window=window, window_hue="float").draw(picture)
    picture.text(163, 108, "∗", "soft big")
    for number in range(_FILTERS):
        Solid(236, 46 + 44 * number, 1, 1, _CHANNELS, _CELL, hue=HUES[number]).draw(picture)
    picture.arrow((282, 102), (330, 102))
    _mixed(picture, 420, top)
    _labels(picture, language, 202, {75: "input", 230: "columns", 428: "output"})
    return picture


def separable(language: Language) -> Picture:
    """First each channel in space, then all channels at each position."""
    picture = Picture(_WIDE, 226, say("separable", language))
    top = 40.0
    _slices(picture, 88, top, _SIDE, window=True)
    picture.arrow((152, 118), (194, 118))
    picture.text(173, 24, say("step depthwise", language), "soft small")
    _slices(picture, 264, top, _SIDE, column=True)
    picture.arrow((328, 118), (370, 118))
    picture.text(349, 24, say("step pointwise", language), "soft small")
    _mixed(picture, 440, top + 12)
    for x, key in ((84, "M channels"), (260, "filtered"), (446, "mixed")):
        picture.text(x, 210, say(key, language), "soft")
    return picture


def multiplier(language: Language) -> Picture:
    """Two filters a channel."""
    picture = Picture(_WIDE, 232, say("multiplier", language))
    count = 2
    for number, (x, y) in enumerate(slices(70, 40, count, _CELL, 2.6)):
        window = ((_SIDE - _KERNEL, _SIDE), (0, _KERNEL), (0, 1))
        Solid(x, y, _SIDE, _SIDE, 1, _CELL, hue=HUES[number], window=window, window_hue="float").draw(picture)
    picture.text(160, 118, "∗", "soft big")
    for number, (x, y) in enumerate(slices(248, 40, 2 * count, _CELL, 1.0)):
        Solid(x, y, _KERNEL, _KERNEL, 1, _CELL, hue=HUES[number // 2]).draw(picture)
    picture.arrow((290, 112), (338, 112))
    for number, (x, y) in enumerate(slices(430, 22, 2 * count, _CELL, 1.0)):
        Solid(x, y, _SIDE, _SIDE, 1, _CELL, hue=HUES[number // 2]).draw(picture)
    _labels(picture, language, 212, {80: "input", 240: "two filters", 424: "output 2M"})
    return picture


def line(language: Language) -> Picture:
    """1-D: rows are channels, columns are positions."""
    picture = Picture(_WIDE, 330, say("line", language))
    cell, length, rows = 15.0, 12, 4
    for number, kind in enumerate(("standard", "depthwise", "pointwise")):
        top = 42 + 96 * number
        picture.text(24, top - 12, say(f"line {kind}", language), "ink", anchor="start")
        picture.box(24, top, length * cell, rows * cell, "bar")
        outputs = rows if kind == "depthwise" else _FILTERS
        for row in range(rows):
            hue = HUES[row] if kind == "depthwise" else "float"
            width = 1 if kind == "pointwise" else _KERNEL
            picture.box(24 + 4 * cell, top + row * cell, width * cell, cell, hue)
        _lines(picture, 24, top, length, rows, cell)
        picture.arrow((232, top + rows * cell / 2), (282, top + rows * cell / 2))
        picture.box(310, top, length * cell, outputs * cell, "bar")
        for row in range(outputs):
            # The window's first cell is the fifth; its middle is what comes out.
            middle = 4 if kind == "pointwise" else 5
            picture.box(310 + middle * cell, top + row * cell, cell, cell, HUES[row])
        _lines(picture, 310, top, length, outputs, cell)
    picture.text(24 + length * cell / 2, 318, say("time", language), "soft small")
    return picture


def volume(language: Language) -> Picture:
    """3-D: k×k×k, or 1×k×k and then k×1×1. Time is drawn as the depth."""
    picture = Picture(_WIDE, 222, say("volume", language))
    cell = 20.0
    Solid(90, 24, _KERNEL, _KERNEL, _KERNEL, cell, hue=HUES[0]).draw(picture)
    picture.text(172, 96, "→", "soft big")
    Solid(240, 44, _KERNEL, _KERNEL, 1, cell, hue=HUES[1]).draw(picture)
    picture.text(326, 96, "+", "soft big")
    Solid(430, 64, 1, 1, _KERNEL, cell, hue=HUES[2]).draw(picture)
    for x, key, count in ((90, "whole", _KERNEL**3), (256, "space", _KERNEL**2), (414, "time rod", _KERNEL)):
        picture.text(x, 180, say(key, language), "ink")
        picture.text(x, 199, say("weights", language, count), "soft small")
    return picture


def _mixed(picture: Picture, x: float, y: float) -> None:
    """The output of several filters, the value made of the window in each."""
    for number, (left, top) in enumerate(slices(x, y, _FILTERS, _CELL)):
        solid = Solid(left, top, _SIDE, _SIDE, 1, _CELL, window=_CORNER, window_hue=HUES[number])
        solid.draw(picture)


def _slices(
    picture: Picture, x: float, y: float, side: int, *, window: bool = False, one: bool = False, column: bool = False
) -> None:
    """Channels apart, each of its own hue. window: k×k cells of each; one: the value made of them; column: 1×1."""
    for number, (left, top) in enumerate(slices(x, y, _CHANNELS, _CELL, _GAP)):
        hue = HUES[number]
        if not (window or one or column):
            Solid(left, top, side, side, 1, _CELL, hue=hue).draw(picture)
            continue
        spans = ((_SIDE - _KERNEL, _SIDE), (0, _KERNEL), (0, 1)) if window else _CORNER
        if window or one:
            Solid(left, top, side, side, 1, _CELL, hue="bar", window=spans, window_hue=hue).draw(picture)
        else:
            Solid(left, top, side, side, 1, _CELL, hue=hue, window=spans, window_hue="ink").draw(picture)


def _lines(picture: Picture, x: float, y: float, columns: int, rows: int, cell: float) -> None:
    across = [[(x, y + row * cell), (x + columns * cell, y + row * cell)] for row in range(1, rows)]
    down = [[(x + column * cell, y), (x + column * cell, y + rows * cell)] for column in range(1, columns)]
    picture.lines([*across, *down], "grid")
    corners = [(x, y), (x + columns * cell, y), (x + columns * cell, y + rows * cell), (x, y + rows * cell), (x, y)]
    picture.line(corners, "edge", 1.6)


def _labels(picture: Picture, language: Language, y: float, keys: Mapping[float, str]) -> None:
    for x, key in keys.items():
        picture.text(x, y - 14, say(key, language), "soft")


LAYERS_DRAWN: Mapping[str, Callable[[Language], Picture]] = {
    "standard": standard,
    "depthwise": depthwise,
    "pointwise": pointwise,
    "separable": separable,
    "multiplier": multiplier,
    "line": line,
    "volume": volume,
}
"""Name of the file → the picture."""
