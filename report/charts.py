"""The charts of the page: Vega-Lite specifications as plain dicts, their data by name. Colours are the page's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .chart_style import chart_base
from .chart_style import tooltip as chart_tooltip
from .row import INSTRUCTION_KINDS

__all__ = [
    "error_chart",
    "instruction_chart",
    "latency_chart",
    "layer_chart",
    "layer_instruction_chart",
    "memory_chart",
]

Spec = dict[str, Any]

_PRECISIONS = ["float", "int8"]
_PRECISION = {
    "field": "precision",
    "type": "nominal",
    "scale": {"domain": _PRECISIONS, "range": ["var(--float)", "var(--int8)"]},
    "legend": None,
}
_KIND_COLOURS = [f"var(--kind-{number})" for number in range(1, 9)]
_WRONG = "datum.outputs === 'wrong'"
_PREDICTED = "datum.how === 'predicted'"


def latency_chart(engines: Sequence[str], slots: int) -> Spec:
    """Dataset `rows`: bars of p50 by engine, float beside int8, whiskers from min to p99, figures at their ends.

    slots: the most bars of one engine. `usermeta.band_px` is the height of one, for a page that filters them.
    """
    band = 20 * slots + 14
    y = {
        "field": "engine",
        "type": "nominal",
        "sort": list(engines),
        "axis": {"title": None, "labelLimit": 320, "labelFontSize": 13, "labelColor": "var(--ink)"},
        "scale": {"paddingInner": 0.32, "paddingOuter": 0.1},
    }
    offset = {"field": "slot", "type": "nominal", "sort": None, "scale": {"paddingInner": 0.12}}
    tooltip = chart_tooltip(
        ("label", "row"),
        ("latency_text", "p50"),
        ("spread_text", "min – p90 – p99"),
        ("how", "how"),
        ("outputs_text", "outputs"),
        ("accuracy_text", "agreement"),
    )
    bar = {
        "mark": {"type": "bar", "cornerRadiusEnd": 3, "cursor": "pointer"},
        "encoding": {
            "x": {"field": "latency_ms", "type": "quantitative", "axis": {"title": "p50 latency [ms]", "tickCount": 6}},
            "color": _PRECISION,
            "stroke": {**_PRECISION, "condition": {"test": _WRONG, "value": "var(--wrong)"}},
            "fillOpacity": {
                "condition": [{"test": _WRONG, "value": 0.12}, {"test": _PREDICTED, "value": 0.35}],
                "value": 1,
            },
            "strokeDash": {"condition": {"test": f"{_WRONG} || {_PREDICTED}", "value": [4, 3]}, "value": [1, 0]},
            "tooltip": tooltip,
        },
    }
    whisker = {
        "mark": {"type": "rule", "color": "var(--ink)", "opacity": 0.55, "strokeWidth": 1.25, "tooltip": None},
        "encoding": {
            "x": {"field": "latency_low_ms", "type": "quantitative"},
            "x2": {"field": "latency_high_ms"},
        },
    }
    figure = {
        "mark": {"type": "text", "align": "left", "dx": 8, "fontSize": 12, "fontWeight": 600, "tooltip": None},
        "encoding": {
            "x": {"field": "latency_end_ms", "type": "quantitative"},
            "text": {"field": "bar_text"},
            "color": {"condition": {"test": _WRONG, "value": "var(--wrong)"}, "value": "var(--ink)"},
        },
    }
    return chart_base(
        data={"name": "rows"},
        height=band * len(engines),
        usermeta={"band_px": band},
        transform=[{"filter": "isValid(datum.latency_ms)"}],
        encoding={"y": y, "yOffset": offset},
        layer=[bar, whisker, figure],
    )


def memory_chart(engine: str, phases: Sequence[str], top: float) -> Spec:
    """Dataset `memory`: resident memory of one engine along the phases, float and int8; a tick is the peak so far.

    top: end of the axis in MiB, the same for all engines so that they can be compared.
    """
    tooltip = chart_tooltip(
        ("label", "row"), ("phase", "phase"), ("rss_text", "RSS"), ("pss_text", "PSS"), ("peak_text", "peak RSS")
    )
    x = {
        "field": "phase",
        "type": "nominal",
        "sort": list(phases),
        "scale": {"type": "point", "padding": 0.35},
        "axis": {"title": None, "labelAngle": 0, "grid": False},
    }
    y = {
        "field": "rss_mib",
        "type": "quantitative",
        "scale": {"domain": [0, top], "nice": True},
        "axis": {"title": None, "tickCount": 4},
    }
    line = {
        "mark": {"type": "line", "strokeWidth": 2.25},
        "encoding": {"y": y, "color": _PRECISION, "detail": {"field": "id"}},
    }
    point = {
        "mark": {"type": "point", "filled": True, "size": 52, "opacity": 1},
        "encoding": {"y": y, "color": _PRECISION, "tooltip": tooltip},
    }
    peak = {
        "mark": {"type": "tick", "orient": "horizontal", "width": 16, "thickness": 2, "opacity": 0.75},
        "encoding": {"y": {**y, "field": "peak_mib"}, "color": _PRECISION, "tooltip": tooltip},
    }
    return chart_base(
        data={"name": "memory"},
        height=150,
        transform=[{"filter": {"field": "engine", "equal": engine}}],
        encoding={"x": x},
        layer=[line, peak, point],
    )


def layer_chart() -> Spec:
    """Dataset `layers`: time of each layer of one row in execution order; a click on a kind singles it out.

    Kinds have their colours in the order of the time they take, as the records come with it in `kind_rank`.
    """
    chosen = {"param": "kind_picked", "value": 1}
    tooltip = chart_tooltip(
        ("layer", "layer"), ("kind", "kind"), ("op", "op"), ("precision", "ran in"), ("time_text", "time")
    )
    x = {
        "field": "index",
        "type": "ordinal",
        "axis": {"title": "layer, in execution order", "labels": False, "grid": False},
        "scale": {"paddingInner": 0.18},
    }
    bar = {
        "params": [{"name": "kind_picked", "select": {"type": "point", "fields": ["kind"]}, "bind": "legend"}],
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {
            "y": {"field": "time_ms", "type": "quantitative", "axis": {"title": "time [ms]", "tickCount": 5}},
            "color": {
                "field": "kind",
                "type": "nominal",
                "sort": {"field": "kind_rank", "op": "min"},
                "scale": {"range": _KIND_COLOURS},
                "legend": {"columns": {"expr": "max(2, floor(width / 120))"}},
            },
            "opacity": {"condition": chosen, "value": 0.14},
            "tooltip": tooltip,
        },
    }
    in_float = {
        "mark": {"type": "point", "shape": "triangle-down", "filled": True, "size": 60, "yOffset": -8},
        "encoding": {
            "y": {"field": "time_ms", "type": "quantitative"},
            "color": {"value": "var(--wrong)"},
            "opacity": {"condition": {"test": "datum.fell_to_float", "value": 1}, "value": 0},
            "tooltip": tooltip,
        },
    }
    return chart_base(data={"name": "layers"}, height=230, encoding={"x": x}, layer=[bar, in_float])


def error_chart(series: Sequence[str]) -> Spec:
    """Dataset `errors`: error of each layer along the depth, a line a runtime; the signal `metric` names the field."""
    chosen = {"param": "series_picked", "value": 1}
    tooltip = chart_tooltip(
        ("layer", "layer"),
        ("kind", "kind"),
        ("series", "compared"),
        ("sqnr_text", "SQNR"),
        ("rms_text", "rms"),
        ("max_text", "greatest"),
    )
    colour = {
        "field": "series",
        "type": "nominal",
        "scale": {"domain": list(series), "range": _KIND_COLOURS},
        "legend": {"columns": {"expr": "max(1, floor(width / 280))"}, "labelLimit": 320},
    }
    line = {
        "params": [{"name": "series_picked", "select": {"type": "point", "fields": ["series"]}, "bind": "legend"}],
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {"color": colour, "opacity": {"condition": chosen, "value": 0.12}},
    }
    point = {
        "mark": {"type": "point", "filled": True, "size": 34},
        "encoding": {"color": colour, "opacity": {"condition": chosen, "value": 0.12}, "tooltip": tooltip},
    }
    return chart_base(
        data={"name": "errors"},
        height=230,
        params=[{"name": "metric", "value": "sqnr_db"}],
        transform=[{"calculate": "datum[metric]", "as": "value"}, {"filter": "isValid(datum.value)"}],
        encoding={
            "x": {
                "field": "index",
                "type": "quantitative",
                "axis": {"title": "layer, along the depth", "grid": False, "tickCount": 10, "tickMinStep": 1},
                "scale": {"nice": False},
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "axis": {"title": None},
                "scale": {"zero": {"expr": "metric !== 'sqnr_db'"}},
            },
        },
        layer=[line, point],
    )


def _instruction_kind(columns: str) -> Spec:
    kinds = [*INSTRUCTION_KINDS, "not told"]
    return {
        "field": "kind",
        "type": "nominal",
        "sort": None,
        "scale": {"domain": kinds, "range": [f"var(--instruction-{place})" for place in range(1, len(kinds) + 1)]},
        "legend": {"columns": {"expr": columns}, "values": list(INSTRUCTION_KINDS)},
    }


def instruction_chart(bars: Sequence[str]) -> Spec:
    """Dataset `instructions`: a bar a row, stacked by kind of instruction, the sum at its end.

    bars: their labels, of one line or two.
    """
    y = {
        "field": "bar",
        "type": "nominal",
        "sort": list(bars),
        "axis": {
            "title": None,
            "labelOffset": -7 if any("\n" in bar for bar in bars) else 0,
            "labelExpr": "split(datum.label, '\\n')",
            "labelLimit": 320,
            "labelFontSize": 12,
            "labelColor": "var(--ink)",
        },
        "scale": {"paddingInner": 0.34, "paddingOuter": 0.15},
    }
    title = "instructions of one inference [millions]"
    bar = {
        "mark": {"type": "bar", "cursor": "pointer"},
        "encoding": {
            "x": {
                "field": "millions",
                "type": "quantitative",
                "stack": "zero",
                "axis": {"title": title, "tickCount": 6},
            },
            "color": _instruction_kind("max(3, floor(width / 90))"),
            "order": {"field": "kind_rank"},
            "tooltip": chart_tooltip(
                ("label", "row"), ("kind", "kind"), ("text", "instructions"), ("outputs_text", "outputs")
            ),
        },
    }
    figure = {
        "mark": {"type": "text", "align": "left", "dx": 8, "fontSize": 12, "fontWeight": 600, "tooltip": None},
        "encoding": {
            "x": {"field": "total_millions", "type": "quantitative"},
            "text": {"field": "total_text"},
            "color": {
                "condition": {"test": "datum.outputs === 'wrong'", "value": "var(--wrong)"},
                "value": "var(--ink)",
            },
        },
    }
    return chart_base(
        data={"name": "instructions"},
        height=_INSTRUCTION_BAND * len(bars),
        usermeta={"band_px": _INSTRUCTION_BAND},
        encoding={"y": y},
        layer=[bar, figure],
    )


_INSTRUCTION_BAND = 40


def layer_instruction_chart() -> Spec:
    """Dataset `layer_instructions` of one row: a bar a layer in execution order, stacked by kind of instruction."""
    tooltip = chart_tooltip(
        ("layer", "layer"),
        ("layer_kind", "layer kind"),
        ("op", "op"),
        ("total_text", "all"),
        ("kind", "kind"),
        ("text", "of it"),
    )
    return chart_base(
        data={"name": "layer_instructions"},
        height=230,
        mark={"type": "bar"},
        encoding={
            "x": {
                "field": "index",
                "type": "ordinal",
                "axis": {"title": "layer, in execution order", "labels": False, "grid": False},
                "scale": {"paddingInner": 0.18},
            },
            "y": {
                "field": "millions",
                "type": "quantitative",
                "stack": "zero",
                "axis": {"title": "instructions [millions]", "tickCount": 5},
            },
            "color": _instruction_kind("max(3, floor(width / 90))"),
            "order": {"field": "kind_rank"},
            "tooltip": tooltip,
        },
    )
