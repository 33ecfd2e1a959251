"""An explanation as a page: one HTML file that needs no network, in the report's style."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..page import asset, chart_library, page_room, script_json
from .charts import (
    activation_chart,
    channel_columns,
    depth_records,
    parts_chart,
    sqnr_chart,
    sqnr_records,
    weight_chart,
)
from .explanation import Explanation, LayerRow
from .text import channel_sentence, decibel, number, share, spared, whole_sentences

__all__ = ["to_html"]


@dataclass(frozen=True)
class Tile:
    """A figure on top of the page."""

    title: str
    value: str
    unit: str
    note: str


def to_html(found: Explanation) -> str:
    """The page as one text."""
    room = page_room()
    room.globals |= {"share": share, "spared": spared, "decibel": decibel, "channel_sentence": channel_sentence}
    charts = {
        "parts": parts_chart(),
        "sqnr": sqnr_chart(),
        "weights": weight_chart(),
        "activation": activation_chart(),
    }
    data = {
        "parts": depth_records(found),
        "sqnr": sqnr_records(found),
        "layers": [_layer(row) for row in found.layers],
    }
    page: str = room.get_template("explanation.html.j2").render(
        found=found,
        tiles=_tiles(found),
        sentences=list(whole_sentences(found)),
        data=script_json(data),
        charts=script_json(charts),
        library=chart_library(),
        style=asset("report.css"),
        behaviour=asset("explanation.js"),
    )
    return page + "\n"


def _layer(row: LayerRow) -> dict[str, Any]:
    return {
        "summary": f"{len(next(iter(row.by_channel.values()), ()))} channels; adds {100 * row.share:.1f} %"
        + (f", {len(row.dead)} never change" if row.dead else ""),
        "weighted": "weight_low" in row.by_channel,
        **channel_columns(row),
    }


def _tiles(found: Explanation) -> list[Tile]:
    unit = "" if len(found.outputs) == 1 else "of the spread"
    tiles = [
        Tile("rms error", number(found.whole * found.unit), unit, f"{100 * found.whole:.1f} % of the output's spread")
    ]
    tiles += [
        Tile("agreement", f"{output.agreement:.3f}", "", f"of '{output.name}' with float")
        for output in found.outputs
        if output.agreement is not None
    ]
    tiles.append(Tile("weights alone", number(found.weights * found.unit), unit, "rms error with float activations"))
    tiles.append(
        Tile("activations alone", number(found.activations * found.unit), unit, "rms error with float weights")
    )
    if found.layers:
        worst = found.worst_first[0]
        tiles.append(Tile("worst layer", f"{100 * worst.share:.0f}", "% of the error", f"{worst.layer}, {worst.kind}"))
    return tiles
