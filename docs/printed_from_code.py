"""Fills the pages' markers from the code at build time, so that a page can't say what the code does not.

`<!-- help: export -->` becomes that command's `--help`, `<!-- help: devices probe -->` a sub-command's;
`<!-- table: tflite -->` and `<!-- table: c -->` the support tables' rows; `<!-- table: configuration -->` the keys of
sepia.toml with their defaults; `<!-- table: results-row -->` the keys of that record of the results' schema;
`<!-- table: boards -->` the profiles; `<!-- table: wheels -->` which runtime has wheels where;
`<!-- table: zoo -->` the zoo; `<!-- table: layers -->`, `layer-symbols`, `layer-costs` and `layer-limits` what
`models.layers` says of itself; `<!-- table: runtime-faults -->` what the fuzzer knows the runtimes to get wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MARKER = re.compile(r"<!-- (help|table): ([a-z -]+) -->")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """mkdocs calls this with each page's text."""
    return MARKER.sub(lambda found: _printed(found[1], found[2]), markdown)


def _printed(what: str, name: str) -> str:
    if what == "help":
        return f"```text\n{_help(name)}\n```"
    if name.startswith("results-"):
        return _results(name.removeprefix("results-"))
    if name.startswith("layer"):
        return _layers(name)
    tables = {"tflite": _tflite, "c": _c, "configuration": _configuration}
    tables |= {"boards": _boards, "wheels": _wheels, "zoo": _zoo, "runtime-faults": _runtime_faults}
    return tables[name]()


def _help(name: str) -> str:
    import importlib

    import click

    first, *rest = name.split()
    command: click.Command = importlib.import_module(f"sepia.cli.{first}").command
    for word in rest:
        found = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        if found is None:
            raise KeyError(f"no command '{name}'")
        command = found
    context = click.Context(command, info_name=f"sepia {name}", max_content_width=100, terminal_width=100)
    return command.get_help(context)


def _tflite() -> str:
    from sepia.export.onnx_to_tflite import support_table

    return _rows(support_table())


def _c() -> str:
    from sepia.export.onnx_to_c import support_table

    return _rows(support_table())


def _layers(name: str) -> str:
    from sepia.models.layers import table

    tables = {
        "layers": table.layer_table,
        "layer-symbols": table.symbol_table,
        "layer-costs": table.cost_table,
        "layer-limits": table.limit_table,
    }
    return _rows(tables[name]())


def _rows(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = list(rows[0])
    lines = [" | ".join(heads), " | ".join("---" for _ in heads)]
    lines += [" | ".join(str(row[head]).replace("|", "\\|") for head in heads) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _zoo() -> str:
    from sepia.models.zoo import ZOO

    return _rows(
        [
            {
                "name": f"`{entry.name}`",
                "task": entry.task,
                "input": "×".join(map(str, entry.input_shape[1:])),
                "parameters, M": f"{entry.parameters / 1e6:.2f}",
                "MACs, M": f"{entry.macs / 1e6:.1f}",
                "separable": f"{entry.separable_macs / entry.macs:.1%}",
                "weights": entry.weights or "none",
                "paper": entry.reference,
            }
            for entry in ZOO.values()
        ]
    )


def _runtime_faults() -> str:
    import sys
    from pathlib import Path

    tests = str(Path(__file__).resolve().parents[1] / "tests")
    if tests not in sys.path:
        sys.path.append(tests)
    from fuzz.exceptions import exception_table

    return _rows(exception_table())


def _boards() -> str:
    from sepia.devices.profile import PROFILES

    lines = ["| name | board | core | clock | memory | systems |", "| --- | --- | --- | --- | --- | --- |"]
    for board in PROFILES.values():
        cores = f"{board.cores} × {board.core}" if board.core else "any"
        clock = f"{board.clock_mhz} MHz" if board.clock_mhz else "any"
        sizes = ", ".join(_gigabytes(size) for size in board.memory.sizes_mb) or "any"
        systems = ", ".join(system.name for system in board.systems)
        lines.append(f"| `{board.name}` | {board.title} | {cores} | {clock} | {sizes} | {systems} |")
    return "\n".join(lines)


def _gigabytes(size_mb: int) -> str:
    return f"{size_mb} MB" if size_mb < 1024 else f"{size_mb // 1024} GB"


def _wheels() -> str:
    from sepia.devices.wheels import WHEELS

    lines = ["| runtime | for | Python | glibc, at least | newest release |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {row.runtime} | {row.architecture} | {', '.join(row.pythons)} | {row.glibc} | {row.release} |"
        for row in WHEELS
    ]
    return "\n".join(lines)


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
