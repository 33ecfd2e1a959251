"""The pictures of an explanation: Vega-Lite specifications as plain dicts, in the report's style."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..chart_style import chart_base, tooltip
from .explanation import Explanation, LayerRow
from .text import decibel, number

__all__ = [
    "activation_chart",
    "channel_columns",
    "depth_records",
    "parts_chart",
    "sqnr_chart",
    "sqnr_records",
    "weight_chart",
]

Record = dict[str, Any]
Spec = dict[str, Any]

_SORTS = {"weights": "var(--int8)", "activation": "var(--float)"}
_LAYER_AXIS = {"title": "layer, in execution order", "labels": False, "grid": False}


def depth_records(found: Explanation) -> list[Record]:
    """One a layer and sort of source: what it adds and what it spares, in % of the error power."""
    records = []
    for row in found.layers:
        for sort, part in (("weights", row.weights), ("activation", row.activation)):
            if part is None:
                continue
            records.append(
                {
                    "index": row.index,
                    "layer": row.layer,
                    "kind": row.kind,
                    "sort": sort,
                    "share": 100 * part.share,
                    "spared": 100 * part.spared,
                    "rms_text": number(part.alone * found.unit),
                    "share_text": f"{100 * part.share:.1f} %",
                    "spared_text": f"{100 * part.spared:.1f} %",
                }
            )
    return records


def sqnr_records(found: Explanation) -> list[Record]:
    """One a layer and way of feeding it."""
    return [
        {
            "index": row.index,
            "layer": row.layer,
            "kind": row.kind,
            "fed": fed,
            "db": value,
            "text": f"{decibel(value)} dB",
        }
        for row in found.layers
        for fed, value in (("in the network", row.sqnr_db), ("fed with float", row.sqnr_alone_db))
        if value is not None
    ]


def channel_columns(row: LayerRow) -> Record:
    """Of one layer: a list a figure, which the page makes records of; whole networks have ten thousand channels."""
    facts = row.activation_facts
    return {
        "columns": row.by_channel,
        "worst": [channel.channel for channel in row.worst],
        "ends": None if facts is None else [facts.low, facts.high],
    }


def parts_chart() -> Spec:
    """Dataset `parts`: bars along the depth, weights and activation stacked; the signal `measure` names the field."""
    return chart_base(
        data={"name": "parts"},
        height=230,
        params=[{"name": "measure", "value": "share"}],
        transform=[{"calculate": "datum[measure]", "as": "value"}],
        mark={"type": "bar", "cursor": "pointer"},
        encoding={
            "x": {"field": "index", "type": "ordinal", "axis": _LAYER_AXIS, "scale": {"paddingInner": 0.18}},
            "y": {
                "field": "value",
                "type": "quantitative",
                "stack": "zero",
                "axis": {"title": "% of the error power", "tickCount": 5},
            },
            "color": {
                "field": "sort",
                "type": "nominal",
                "scale": {"domain": list(_SORTS), "range": list(_SORTS.values())},
                "legend": None,
            },
            "tooltip": tooltip(
                ("layer", "layer"),
                ("kind", "kind"),
                ("sort", "of"),
                ("share_text", "adds"),
                ("rms_text", "rms alone"),
                ("spared_text", "spares"),
            ),
        },
    )


def sqnr_chart() -> Spec:
    """Dataset `sqnr`: two lines along the depth."""
    colour = {
        "field": "fed",
        "type": "nominal",
        "scale": {"domain": ["in the network", "fed with float"], "range": ["var(--int8)", "var(--kind-1)"]},
    }
    return chart_base(
        data={"name": "sqnr"},
        height=200,
        encoding={
            "x": {
                "field": "index",
                "type": "quantitative",
                "axis": {**_LAYER_AXIS, "tickCount": 10},
                "scale": {"nice": False},
            },
            "y": {"field": "db", "type": "quantitative", "axis": {"title": "SQNR [dB]"}, "scale": {"zero": False}},
            "color": colour,
        },
        layer=[
            {"mark": {"type": "line", "strokeWidth": 2}},
            {
                "mark": {"type": "point", "filled": True, "size": 34},
                "encoding": {
                    "tooltip": tooltip(("layer", "layer"), ("kind", "kind"), ("fed", "output"), ("text", "SQNR"))
                },
            },
        ],
    )


def weight_chart() -> Spec:
    """Dataset `channels`: range of the weights by output channel, what its codes reach as ticks."""
    ends = ("grid_low", "grid_end")
    return _ranges("weight_low", "weight_high", "weights", ends=ends, test="true", colour="var(--int8)")


def activation_chart() -> Spec:
    """Dataset `channels`: range of the float activation by channel, the ends of its grid as ticks."""
    ends = ("tensor_low", "tensor_high")
    return _ranges("low", "high", "activation", ends=ends, test="datum.on_grid", colour="var(--float)")


def _ranges(low: str, high: str, title: str, *, ends: Sequence[str], test: str, colour: str) -> Spec:
    bar: Spec = {
        "mark": {"type": "bar"},
        "encoding": {
            "y": {"field": low, "type": "quantitative", "axis": {"title": title, "tickCount": 5}},
            "y2": {"field": high},
            "color": {"condition": {"test": "datum.worst", "value": "var(--wrong)"}, "value": "var(--kind-6)"},
            "tooltip": [
                {"field": name, "title": said, "type": "quantitative"}
                for name, said in (("channel", "channel"), (low, "least"), (high, "greatest"), ("sqnr_db", "SQNR [dB]"))
            ],
        },
    }
    tick = {"type": "tick", "thickness": 1.5, "color": colour, "tooltip": None}
    shown = {"condition": {"test": test, "value": 1}, "value": 0}
    ticks = [
        {"mark": tick, "encoding": {"y": {"field": end, "type": "quantitative"}, "opacity": shown}} for end in ends
    ]
    x = {"field": "channel", "type": "ordinal", "axis": {"title": "channel", "labels": False, "grid": False}}
    return chart_base(data={"name": "channels"}, height=180, encoding={"x": x}, layer=[bar, *ticks])
