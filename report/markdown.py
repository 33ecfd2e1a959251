"""Results as Markdown: the same figures as the page, for a README, a pull request or a diff."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .best import best_statements
from .by_how import HOWS, Shown, shown
from .columns import COLUMNS, KINDS, UNKNOWN, in_megabytes, in_millions, significant
from .disturbed import disturbances
from .fact import How
from .labels import place, row_labels
from .results import Results
from .row import INSTRUCTION_KINDS, LayerInstructions, Row
from .statements import calibration_statement, device_statement, failed_devices, how_statement

__all__ = ["to_markdown"]

_ALWAYS = ("model", "precision", "runtime", "outputs")


def to_markdown(results: Results) -> str:
    """The whole report as one Markdown text: header, rows by how, instructions, memory, float layers, parity, tools."""
    parts = [_header(results), *_rows(results), *_instructions(results), *_memory(results)]
    parts += [*_float_layers(results), *_parity(results)]
    parts += _layers(results) + _provenance(results)
    return "\n\n".join(parts) + "\n"


def _table(headings: Sequence[str], lines: Iterable[Sequence[str]], words: int = 1) -> str:
    """A Markdown table; the first `words` columns are words, the others figures, set to the right."""
    ruler = ["---" if place < words else "---:" for place in range(len(headings))]
    cells = [headings, ruler, *([_escaped(cell) for cell in line] for line in lines)]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def _escaped(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").split())


def _header(results: Results) -> str:
    names = ", ".join(dict.fromkeys(row.model for row in results.rows)) or "no rows"
    lines = [f"# {_escaped(names)}", "", how_statement(results.rows)]
    lines += [f"- {_escaped(device_statement(device, results.rows))}" for device in results.devices]
    lines += [f"- {_escaped(calibration_statement(made))}" for made in results.quantizations]
    wrong = [f"- **Wrong outputs:** {_escaped(f'{r.name}: {r.reason}')}" for r in results.rows if r.outputs == "wrong"]
    failed = [f"- **Failed:** {_escaped(f'{row.name}: {row.failure}')}" for row in results.rows if row.failure]
    disturbed = [f"- **Disturbed:** {_escaped(sentence)}" for sentence in disturbances(results.rows)]
    boards = [f"- **Board failed:** {_escaped(device)}" for device in failed_devices(results.devices)]
    best = [f"- **Best:** {_escaped(sentence)}" for sentence in best_statements(results)]
    return "\n".join([*lines, *best, *boards, *wrong, *failed, *disturbed])


def _rows(results: Results) -> list[str]:
    """A table for each way in which figures were had: one row a target, a device's rows together."""
    return [part for how in HOWS for part in _rows_had(how, [row for row in results.rows if row.how == how])]


def _rows_had(how: How, rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    places = list(dict.fromkeys(place(row) for row in rows))
    ordered = sorted(rows, key=lambda row: places.index(place(row)))
    always = [Shown(column, None) for column in COLUMNS if column.key in _ALWAYS]
    known = shown(rows, [column for column in COLUMNS if column.key != "how"])
    columns = sorted({*always, *known}, key=lambda item: COLUMNS.index(item.column))
    words = sum(item.column.write is None for item in columns)
    lines = ([_marked(row, item.text(row), item.key) for item in columns] for row in ordered)
    return [f"## {how.capitalize()}", _table([item.heading for item in columns], lines, words)]


def _instructions(results: Results) -> list[str]:
    lines = [
        (label, row.how, *(kind.text(row) for kind in KINDS), in_millions(row.instructions or 0))
        for row, label in zip(results.rows, row_labels(results.rows), strict=True)
        if row.instructions_by_kind is not None
    ]
    heading = ("row", "how", *INSTRUCTION_KINDS, "total")
    return ["## Instructions of one inference, in millions", _table(heading, lines, words=2)] if lines else []


def _marked(row: Row, text: str, key: str) -> str:
    return "failed" if row.failure and key == "outputs" else f"**{text}**" if text == "wrong" else text


def _memory(results: Results) -> list[str]:
    lines = [
        (label, phase.phase, *(_megabytes(size) for size in (phase.rss_bytes, phase.pss_bytes, phase.peak_rss_bytes)))
        for row, label in zip(results.rows, row_labels(results.rows), strict=True)
        for phase in row.memory
    ]
    heading = ("row", "phase", "RSS [MiB]", "PSS [MiB]", "peak RSS [MiB]")
    return ["## Memory by phase", _table(heading, lines, words=2)] if lines else []


def _megabytes(size: int | None) -> str:
    return UNKNOWN if size is None else in_megabytes(size)


def _float_layers(results: Results) -> list[str]:
    int8 = [(row, label) for row, label in zip(results.rows, row_labels(results.rows), strict=True) if row.ran_in_int8]
    lines = [
        (label, layer.layer, layer.op, layer.precision, layer.reason or UNKNOWN)
        for row, label in int8
        for layer in row.float_layers or ()
    ]
    none = [label for row, label in int8 if row.float_layers == ()]
    untold = [label for row, label in int8 if row.float_layers is None]
    parts = ["## Layers in float"] if int8 else []
    parts += [f"None: {_escaped(', '.join(none))}."] if none else []
    parts += [f"Not told by the runtime: {_escaped(', '.join(untold))}."] if untold else []
    return parts + ([_table(("row", "layer", "op", "precision", "reason"), lines, words=5)] if lines else [])


def _parity(results: Results) -> list[str]:
    lines = [
        (
            " · ".join(part for part in (item.model, item.recipe) if part),
            f"{item.runtime} against {item.reference}",
            str(item.layers),
            f"{item.equal:.5%}",
            str(item.worst_lsb),
            item.worst_layer or UNKNOWN,
        )
        for item in results.parity
    ]
    heading = ("model", "runtimes", "layers", "equal codes", "worst [LSB]", "worst layer")
    return ["## Layer parity, the same int8 inputs", _table(heading, lines, words=2)] if lines else []


def _layers(results: Results) -> list[str]:
    parts: list[str] = []
    for row, label in zip(results.rows, row_labels(results.rows), strict=True):
        if row.layers:
            lines = [
                (layer.layer, layer.kind or layer.op, layer.precision or UNKNOWN, significant(layer.time_ms))
                for layer in row.layers
            ]
            table = _table(("layer", "kind", "precision", "time [ms]"), lines, words=3)
            parts.append(_folded(f"Time by layer: {label}", table))
        if row.layer_instructions:
            counted = [
                (layer.layer, layer.kind or layer.op, *_kinds(layer), in_millions(layer.instructions))
                for layer in row.layer_instructions
            ]
            table = _table(("layer", "kind", *INSTRUCTION_KINDS, "total [M]"), counted, words=2)
            parts.append(_folded(f"Instructions by layer: {label}, {row.how}", table))
    errors = [
        (
            str(error.index),
            error.layer,
            f"{error.runtime} against {error.reference}",
            *(UNKNOWN if value is None else significant(value) for value in (error.sqnr_db, error.rms_lsb)),
            UNKNOWN if error.max_lsb is None else significant(error.max_lsb),
        )
        for error in results.layer_errors
    ]
    heading = ("depth", "layer", "compared", "SQNR [dB]", "rms [LSB]", "max [LSB]")
    return parts + ([_folded("Error by layer", _table(heading, errors, words=3))] if errors else [])


def _kinds(layer: LayerInstructions) -> list[str]:
    known = layer.by_kind
    return [UNKNOWN if known is None else in_millions(known.get(kind, 0)) for kind in INSTRUCTION_KINDS]


def _folded(title: str, content: str) -> str:
    return f"<details>\n<summary>{_escaped(title)}</summary>\n\n{content}\n\n</details>"


def _provenance(results: Results) -> list[str]:
    tools = [f"{name} {version}" for name, version in results.tools.items()]
    made = [f"Sepia {results.sepia_version}"] if results.sepia_version and "sepia" not in results.tools else []
    lines = [", ".join(made + tools)] if made or tools else []
    lines += [f"Made {results.created}."] if results.created else []
    files = _table(("file", "SHA-256"), ((f"{f.model}/{f.file}", f.sha256) for f in results.files), words=2)
    return (["## Made with", *lines] if lines else []) + (["## Files", files] if results.files else [])
