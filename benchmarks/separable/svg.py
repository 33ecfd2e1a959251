"""A picture as SVG text: same calls, same bytes. Colours are the report's own, and follow the reader's scheme.

A picture has a ground of its own, so that it can be read on whatever page it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from sepia.report.page import asset

__all__ = ["HUES", "Picture", "Point"]

Point = tuple[float, float]

HUES = ("kind-1", "kind-3", "kind-5", "kind-6", "kind-2", "kind-4")
"""Of channels and filters, in turn."""
_PLAIN = ("card", "ink", "soft", "line", "bar", "int8", "float", "wrong", "right")


def _schemes() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The report's colours by name, light and dark."""
    blocks = re.findall(r":root \{(.*?)\}", asset("report.css"), re.DOTALL)
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w+);", block)) for block in blocks[:2])
    return light, light | dark


def _style() -> str:
    def variables(scheme: Mapping[str, str]) -> str:
        return "".join(f"--{name}:{scheme[name]};" for name in (*_PLAIN, *HUES))

    light, dark = _schemes()
    fills = "".join(f".{name}{{fill:var(--{name})}}" for name in (*_PLAIN, *HUES))
    strokes = "".join(f".s-{name}{{stroke:var(--{name});fill:none}}" for name in ("ink", "soft", "line", "int8"))
    return (
        f"svg{{{variables(light)}color-scheme:light dark}}"
        f"@media (prefers-color-scheme:dark){{svg{{{variables(dark)}}}}}"
        f"{fills}{strokes}"
        ".lit{fill:#fff;fill-opacity:.28}.shade{fill:#000;fill-opacity:.16}"
        ".grid{stroke:var(--card);stroke-width:1;fill:none;stroke-opacity:.75}"
        ".edge{stroke:var(--ink);stroke-width:1.6;fill:none;stroke-linejoin:round}"
        'text{font-family:Inter,ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",'
        "sans-serif;font-size:14px}"
        ".small{font-size:12.5px}.big{font-size:24px}.bold{font-weight:600}"
    )


def _number(value: float) -> str:
    # Not "-0": adding 0 takes the sign away.
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


class Picture:
    """width, height: in its own units, which are pixels where the page is wide enough. title: for who cannot see it."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self._parts: list[str] = []

    def polygon(self, points: Iterable[Point], look: str) -> None:
        self._parts.append(f'<path class="{look}" d="M{_joined(points)}Z"/>')

    def line(self, points: Sequence[Point], look: str, width: float = 1.0) -> None:
        self._parts.append(f'<path class="{look}" stroke-width="{_number(width)}" d="M{_joined(points)}"/>')

    def lines(self, pairs: Iterable[Sequence[Point]], look: str) -> None:
        """Many lines as one path."""
        path = "".join(f"M{_joined(pair)}" for pair in pairs)
        if path:
            self._parts.append(f'<path class="{look}" d="{path}"/>')

    def box(self, x: float, y: float, width: float, height: float, look: str, *, opacity: float = 1.0) -> None:
        faint = f' fill-opacity="{opacity:.2f}"' if opacity < 1 else ""
        sizes = f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
        self._parts.append(f'<rect class="{look}" {sizes}{faint}/>')

    def text(self, x: float, y: float, words: str, look: str = "ink", *, anchor: str = "middle") -> None:
        """Of several lines where `words` has them."""
        for number, line in enumerate(words.split("\n")):
            place = f'x="{_number(x)}" y="{_number(y + 17 * number)}"'
            self._parts.append(f'<text class="{look}" {place} text-anchor="{anchor}">{escape(line)}</text>')

    def arrow(self, start: Point, end: Point, look: str = "soft") -> None:
        """Along one of the axes."""
        (x0, y0), (x1, y1) = start, end
        length = max(abs(x1 - x0), abs(y1 - y0)) or 1.0
        dx, dy = (x1 - x0) / length, (y1 - y0) / length
        self.line([start, (x1 - 7 * dx, y1 - 7 * dy)], f"s-{look}", 1.8)
        back = (x1 - 9 * dx, y1 - 9 * dy)
        self.polygon([end, (back[0] - 5 * dy, back[1] + 5 * dx), (back[0] + 5 * dy, back[1] - 5 * dx)], look)

    def render(self) -> str:
        size = f"{_number(self.width)} {_number(self.height)}"
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{_number(self.width)}" '
            f'height="{_number(self.height)}" role="img"><title>{escape(self.title)}</title><style>{_style()}</style>'
        )
        ground = f'<rect class="card" width="{_number(self.width)}" height="{_number(self.height)}" rx="10"/>'
        return "\n".join([head, ground, *self._parts, "</svg>", ""])


def _joined(points: Iterable[Point]) -> str:
    return "L".join(f"{_number(x)} {_number(y)}" for x, y in points)
