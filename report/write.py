"""The report as files: page, Markdown, CSV and JSON, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..files import write_text
from .comma_separated import to_csv
from .html import to_html
from .markdown import to_markdown
from .merge import merge
from .results import Results, save_results

__all__ = ["write_report"]


def write_report(results: Sequence[Results], directory: Path) -> tuple[Path, ...]:
    """Write report.html, report.md, report.csv and report.json (all results merged) into `directory`, and name them.

    Raises InputError if the results contradict one another, OutputError if the folder cannot be written to.
    """
    merged = merge(results)
    texts = {"html": to_html(merged), "md": to_markdown(merged), "csv": to_csv(merged)}
    paths = {ending: directory / f"report.{ending}" for ending in (*texts, "json")}
    for ending, text in texts.items():
        write_text(paths[ending], text)
    save_results(merged, paths["json"])
    return tuple(paths.values())
