"""Fills the pages' markers from the code at build time, so that a page can't say what the code does not.

`<!-- help: export -->` becomes that command's `--help`; `<!-- table: tflite -->` the support table's rows;
`<!-- table: configuration -->` the keys of sepia.toml with their defaults; `<!-- table: results-row -->` the keys of
that record of the results' schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

MARKER = re.compile(r"<!-- (help|table): ([a-z-]+) -->")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """mkdocs calls this with each page's text."""
    return MARKER.sub(lambda found: _printed(found[1], found[2]), markdown)


def _printed(what: str, name: str) -> str:
    if what == "help":
        return f"```text\n{_help(name)}\n```"
    if name.startswith("results-"):
        return _results(name.removeprefix("results-"))
    return {"tflite": _tflite, "configuration": _configuration}[name]()


def _help(name: str) -> str:
    import importlib

    import click

    command: click.Command = importlib.import_module(f"sepia.cli.{name}").command
    context = click.Context(command, info_name=f"sepia {name}", max_content_width=100, terminal_width=100)
    return command.get_help(context)


def _tflite() -> str:
    from sepia.export.onnx_to_tflite import support_table

    rows = support_table()
    heads = list(rows[0])
    lines = [" | ".join(heads), " | ".join("---" for _ in heads)]
    lines += [" | ".join(str(row[head]).replace("|", "\\|") for head in heads) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _results(name: str) -> str:
    from sepia.report.schema import field_table

    return field_table("".join(word.capitalize() for word in name.split("-")))


def _configuration() -> str:
    from sepia.pipeline.config import RunConfig

    lines = ["| key | default | accepted |", "| --- | --- | --- |"]
    lines += [f"| `{key}` | `{default}` | {kind} |" for key, default, kind in _keys(RunConfig, "")]
    return "\n".join(lines)


def _keys(table: Any, prefix: str) -> Iterator[tuple[str, str, str]]:
    from sepia.pipeline.config import ModelConfig

    for name, field in table.model_fields.items():
        if name == "model":
            yield from _keys(ModelConfig, "model.")
        elif hasattr(field.annotation, "model_fields"):
            yield from _keys(field.annotation, f"{prefix}{name}.")
        else:
            default = "required" if field.is_required() else _toml(field.default)
            yield f"{prefix}{name}", default, _kind(field.annotation)


def _toml(value: Any) -> str:
    if value is None:
        return "absent"
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _kind(annotation: Any) -> str:
    text = str(annotation) if not isinstance(annotation, type) else annotation.__name__
    for noise in ("typing.", "pathlib._local.", "pathlib."):
        text = text.replace(noise, "")
    return text.replace("|", "or").replace("Literal", "one of ").replace("tuple", "list of ").replace(", ...", "")
