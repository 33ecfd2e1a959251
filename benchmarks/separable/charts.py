"""Bars: what the formula says a pair costs, and what was measured of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .svg import HUES, Picture
from .words import Language, number, percent, say

__all__ = ["CHANNELS", "KERNEL_SIZES", "cost", "faster", "ratio", "throughput"]

CHANNELS = (16, 64, 256, 1024)
KERNEL_SIZES = (3, 5, 7)
Rows = Sequence[Mapping[str, Any]]


def ratio(channels_out: int, kernel: int, dimensions: int = 2) -> float:
    """1/N + 1/kᵈ. Howard et al. 2017, arXiv:1704.04861, section 3.1."""
    return 1 / channels_out + 1 / kernel**dimensions


def cost(language: Language) -> Picture:
    """Shares by N and k."""
    picture = Picture(520, 290, say("cost", language))
    picture.text(24, 26, say("cost", language), "ink bold", anchor="start")
    floor, tall = 226.0, 150.0
    for step in (0.05, 0.1, 0.15):
        y = floor - tall * step / 0.18
        picture.line([(24, y), (500, y)], "s-line")
        picture.text(498, y - 4, percent(step, 0, language), "soft small", anchor="end")
    for group, channels in enumerate(CHANNELS):
        left = 32 + 110 * group
        for place, kernel in enumerate(KERNEL_SIZES):
            value = ratio(channels, kernel)
            x, height = left + 33 * place, tall * value / 0.18
            picture.box(x, floor - height, 29, height, HUES[place])
            picture.text(x + 14.5, floor - height - 5, number(100 * value, 1, language), "ink small")
        picture.text(left + 48, floor + 20, f"N = {channels}", "ink")
    picture.line([(24, floor), (500, floor)], "s-soft", 1.4)
    for place, kernel in enumerate(KERNEL_SIZES):
        x = 130 + 100 * place
        picture.box(x, 262, 12, 12, HUES[place])
        picture.text(x + 18, 273, say("kernel", language, kernel), "ink", anchor="start")
    return picture


def faster(rows: Rows, language: Language) -> Picture:
    """By shape: how many times fewer MACs the pair has, and how many times less time it takes, in each engine."""
    shapes = list(dict.fromkeys((row["channels"], row["size"]) for row in rows))
    engines = list(dict.fromkeys((row["runtime"], row["precision"]) for row in rows))
    picture = Picture(520, 112 + 104 * len(shapes), say("faster", language))
    picture.text(24, 26, say("faster", language), "ink bold", anchor="start")
    most = max(_gain(rows, shape, engine) for shape in shapes for engine in engines)
    scale = 300 / max(most, max(_macs_gain(rows, shape) for shape in shapes))
    for index, shape in enumerate(shapes):
        top = 48 + 104 * index
        picture.text(24, top + 36, say("shape", language, *shape), "ink small", anchor="start")
        gain = _macs_gain(rows, shape)
        picture.box(120, top, scale * gain, 15, "soft", opacity=0.55)
        picture.text(126 + scale * gain, top + 12, number(gain, 1, language) + "×", "ink small", anchor="start")
        for place, engine in enumerate(engines):
            value, y = _gain(rows, shape, engine), top + 18 * (place + 1)
            picture.box(120, y, scale * value, 15, HUES[place])
            picture.text(126 + scale * value, y + 12, number(value, 1, language) + "×", "ink small", anchor="start")
        picture.line([(120, top - 4), (120, top + 92)], "s-soft", 1.4)
    _legend(picture, engines, picture.height - 48, language)
    return picture


def throughput(rows: Rows, language: Language) -> Picture:
    """By layer and engine: MACs a second, of the middle shape."""
    shapes = list(dict.fromkeys((row["channels"], row["size"]) for row in rows))
    engines = list(dict.fromkeys((row["runtime"], row["precision"]) for row in rows))
    shape = shapes[len(shapes) // 2]
    layers = ("standard", "pointwise", "depthwise")
    picture = Picture(520, 100 + 90 * len(layers), say("throughput", language))
    picture.text(24, 26, say("throughput", language), "ink bold", anchor="start")
    found = {(layer, engine): speed(rows, shape, engine, layer) for layer in layers for engine in engines}
    scale = 270 / max(found.values())
    for index, layer in enumerate(layers):
        top = 46 + 90 * index
        picture.text(24, top + 40, say(f"l {layer}", language), "ink small", anchor="start")
        for place, engine in enumerate(engines):
            value, y = found[layer, engine], top + 18 * place
            picture.box(150, y, scale * value, 15, HUES[place])
            picture.text(156 + scale * value, y + 12, number(value, 1, language), "ink small", anchor="start")
        picture.line([(150, top - 4), (150, top + 74)], "s-soft", 1.4)
    _legend(picture, engines, picture.height - 52, language, macs=False)
    return picture


def one(rows: Rows, shape: tuple[int, int], engine: tuple[str, str] | None, layer: str) -> Mapping[str, Any]:
    """The row of one layer; engine None: any, for what does not depend on it."""
    for row in rows:
        same = (row["channels"], row["size"]) == shape and row["layer"] == layer
        if same and engine in (None, (row["runtime"], row["precision"])):
            return row
    raise KeyError((shape, engine, layer))


def speed(rows: Rows, shape: tuple[int, int], engine: tuple[str, str], layer: str) -> float:
    """Billions of MACs a second."""
    row = one(rows, shape, engine, layer)
    return float(row["macs"]) / float(row["us"]) / 1e3


def _gain(rows: Rows, shape: tuple[int, int], engine: tuple[str, str]) -> float:
    return float(one(rows, shape, engine, "standard")["us"]) / float(one(rows, shape, engine, "separable")["us"])


def _macs_gain(rows: Rows, shape: tuple[int, int]) -> float:
    return float(one(rows, shape, None, "standard")["macs"]) / float(one(rows, shape, None, "separable")["macs"])


def _legend(
    picture: Picture, engines: Sequence[tuple[str, str]], y: float, language: Language, *, macs: bool = True
) -> None:
    if macs:
        picture.box(24, y - 12, 12, 12, "soft", opacity=0.55)
        picture.text(42, y - 1, say("fewer MACs", language), "ink small", anchor="start")
    for place, (runtime, precision) in enumerate(engines):
        x, below = 24 + 190 * (place // 2), y + 8 + 20 * (place % 2)
        picture.box(x, below, 12, 12, HUES[place])
        told = f"{say(runtime, language)}, {say(precision, language)}"
        picture.text(x + 18, below + 11, told, "ink small", anchor="start")
