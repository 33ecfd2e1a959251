"""The page itself: two templates, one for a language, filled with the same figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import charts
from .facts import facts
from .kernels import KERNELS_DRAWN
from .layers_drawn import LAYERS_DRAWN
from .svg import Picture
from .words import LANGUAGES, Language, number, percent

__all__ = ["DOCS", "MEASURED", "page_text", "pictures", "write_page"]

DOCS = Path(__file__).resolve().parents[2] / "docs"
MEASURED = Path(__file__).with_name("measured.json")
"""What `--measure` found, and on which machine."""
NAMES: Mapping[Language, str] = {"en": "separable-convolutions.md", "ru": "separable-convolutions.ru.md"}
PICTURES = Path("images") / "separable"


def write_page(docs: Path) -> Iterator[Path]:
    """Write the pictures and both pages below `docs`; the paths, in turn."""
    folder = docs / PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        for name, picture in pictures(language).items():
            path = folder / f"{name}.{language}.svg"
            path.write_text(picture.render(), encoding="utf-8")
            yield path
        path = docs / NAMES[language]
        path.write_text(page_text(language), encoding="utf-8")
        yield path


def measured() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(MEASURED.read_text(encoding="utf-8"))
    return found


def pictures(language: Language) -> dict[str, Picture]:
    """Name → picture."""
    rows = measured()["rows"]
    drawn: dict[str, Callable[[Language], Picture]] = {
        **LAYERS_DRAWN,
        **KERNELS_DRAWN,
        "cost": charts.cost,
        "faster": partial(charts.faster, rows),
        "throughput": partial(charts.throughput, rows),
    }
    return {name: draw(language) for name, draw in drawn.items()}


def page_text(language: Language) -> str:
    """The page as Markdown."""
    room = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    room.filters["n"] = lambda value, digits=0: number(value, digits, language)
    room.filters["pct"] = lambda value, digits=1: percent(value, digits, language)
    room.filters["m"] = lambda value, digits=2: number(value / 1e6, digits, language)
    room.filters["k"] = lambda value, digits=1: number(value / 1e3, digits, language)
    room.globals["picture"] = lambda name: f"{PICTURES.as_posix()}/{name}.{language}.svg"
    return room.get_template(f"page.{language}.md.j2").render(facts(measured()))
