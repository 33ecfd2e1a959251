"""What every page is made of: templates, the chart library put into the page itself, data that cannot break out."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["asset", "chart_library", "page_room", "script_json"]


def page_room() -> Environment:
    """The templates of this folder, with everything that is put into them escaped and nothing missing let pass."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=PackageLoader("sepia.report", "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def script_json(value: object) -> Any:
    """JSON that may stand in a <script>: no "<" of a name can close it."""
    from markupsafe import Markup

    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"))


@cache
def chart_library() -> Any:
    """Vega, Vega-Lite and Vega-Embed as one script, from vl-convert's wheel."""
    import vl_convert
    from markupsafe import Markup

    return Markup(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script"))


def asset(name: str) -> Any:
    """A file beside the templates, as it is."""
    from markupsafe import Markup

    return Markup((files(__package__) / "templates" / name).read_text(encoding="utf-8"))
