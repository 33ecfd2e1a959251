"""The few figures that stand on top of the page: what int8 brings on one device, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

from .columns import FIGURES
from .labels import place
from .results import Results
from .row import Row

__all__ = ["Headline", "Tile", "headline", "wilson"]


@dataclass(frozen=True)
class Tile:
    """One figure. value and unit are shown large, `title` above and `note` below."""

    title: str
    value: str
    unit: str
    note: str


@dataclass(frozen=True)
class Headline:
    """subject: network and device that all tiles speak of."""

    subject: str
    tiles: tuple[Tile, ...]


def wilson(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share seen over `count` images. Wilson 1927, JASA 22(158), no continuity correction."""
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def headline(results: Results) -> Headline | None:
    """Tiles for the first network on the first device that has int8 rows with right or unchecked outputs, else None.

    Measured rows go before emulated, and those before predicted ones: tiles never mix the three. A board goes before
    the host that it was measured from.
    """
    fit = [row for row in results.rows if row.outputs != "wrong" and not row.failure]
    fit.sort(key=lambda row: row.target.startswith("host-"))
    for how in ("measured", "emulated", "predicted"):
        first = next((row for row in fit if row.how == how and row.precision == "int8"), None)
        if first:
            same = [r for r in fit if (r.how, r.model, place(r)) == (how, first.model, place(first))]
            tiles = [tile for make in _TILES if (tile := make(same)) is not None]
            return Headline(f"{first.model} on {place(first)}, {how}", tuple(tiles))
    return None


def _best(rows: Sequence[Row], key: str, choose: Callable[..., Row]) -> Row | None:
    known = [row for row in rows if row.precision == "int8" and getattr(row, key) is not None]
    return choose(known, key=lambda row: getattr(row, key)) if known else None


def _figure(row: Row, key: str, title: str, note: str) -> Tile:
    return Tile(title, FIGURES[key].text(row), FIGURES[key].unit, note)


def _against_float(row: Row, rows: Sequence[Row], key: str, words: str) -> str:
    """The ratio to the float row on the same runtime and threads, as `1.82× <words>`; "" if there is none."""
    for other in rows:
        if other.precision == "float" and other.target == row.target and getattr(other, key):
            return f", {getattr(other, key) / getattr(row, key):.2f}× {words}"
    return ""


def _quickest(rows: Sequence[Row]) -> Tile | None:
    row = _best(rows, "latency_ms", min)
    if row is None:
        return None
    note = f"{row.runtime}, {_threads(row)}" + _against_float(row, rows, "latency_ms", "as fast as float")
    note += "; its run was disturbed" if row.disturbed else ""
    return _figure(row, "latency_ms", "Quickest int8, p50", note)


def _fewest(rows: Sequence[Row]) -> Tile | None:
    row = _best(rows, "instructions", min)
    if row is None:
        return None
    note = f"{row.runtime}" + _against_float(row, rows, "instructions", "fewer than float")
    return _figure(
        row,
        "instructions",
        "Fewest instructions",
        f"{note}; an emulated core has no time" if row.how == "emulated" else note,
    )


def _threads(row: Row) -> str:
    return "1 thread" if row.threads == 1 else f"{row.threads} threads"


def _agreement(rows: Sequence[Row]) -> Tile | None:
    row = _best(rows, "agreement", min)
    if row is None or row.agreement is None or row.images is None:
        return None
    low, high = wilson(row.agreement, row.images)
    note = f"the lowest, {row.runtime}; {row.images} images, 95 %: {low:.3f}–{high:.3f}"
    return _figure(row, "agreement", "Agreement with float", note)


def _top1(rows: Sequence[Row]) -> Tile | None:
    row = _best(rows, "top1", min)
    if row is None:
        return None
    floats = [other.top1 for other in rows if other.precision == "float" and other.top1 is not None]
    note = f"the lowest int8, {row.runtime}" + (f"; float {max(floats):.3f}" if floats else "")
    return _figure(row, "top1", "Top-1", note)


def _memory(rows: Sequence[Row]) -> Tile | None:
    row = _best(rows, "peak_rss_bytes", min)
    if row is None:
        return None
    note = f"the whole process, {row.runtime}" + _against_float(row, rows, "peak_rss_bytes", "less than float")
    return _figure(row, "peak_rss_bytes", "Smallest peak memory", note)


def _size(rows: Sequence[Row]) -> Tile | None:
    row = _best(rows, "file_bytes", min)
    if row is None:
        return None
    note = f"int8 {row.format}" + _against_float(row, rows, "file_bytes", "smaller than float")
    return _figure(row, "file_bytes", "File", note)


_TILES: tuple[Callable[[Sequence[Row]], Tile | None], ...] = (_quickest, _fewest, _agreement, _top1, _memory, _size)
