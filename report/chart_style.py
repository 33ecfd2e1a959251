"""What all pictures have in common: fonts, axes and colours, which are the page's own variables."""

from __future__ import annotations

from typing import Any

__all__ = ["chart_base", "tooltip"]

Spec = dict[str, Any]

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


def chart_base(**rest: Any) -> Spec:
    return {
        "$schema": _SCHEMA,
        "background": "transparent",
        "width": "container",
        "config": _CONFIG,
        **rest,
    }


# As in report.css, but written out: the library measures texts with it before the page's variables are known.
_FONT = 'Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", sans-serif'

_CONFIG = {
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--soft)",
        "titleColor": "var(--soft)",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": 500,
        "titlePadding": 10,
        "labelPadding": 6,
        "ticks": False,
        "domain": False,
    },
    "legend": {
        "labelColor": "var(--ink)",
        "titleColor": "var(--soft)",
        "labelFontSize": 12,
        "symbolType": "circle",
        "orient": "top",
        "title": None,
        "columnPadding": 18,
        "offset": 14,
    },
}


def tooltip(*fields: tuple[str, str]) -> list[Spec]:
    return [{"field": field, "title": title, "type": "nominal"} for field, title in fields]
