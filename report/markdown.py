"""Results as Markdown: the same figures as the page, for a README, a pull request or a diff."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .columns import COLUMNS, UNKNOWN, in_megabytes, significant
from .labels import row_labels
from .results import Results
from .row import Row
from .statements import calibration_statement, device_statement, disturbances, how_statement

__all__ = ["to_markdown"]

_ALWAYS = ("model", "precision", "runtime", "how", "outputs")


def to_markdown(results: Results) -> str:
    """The whole report as one Markdown text: header, rows, memory, float layers, parity, tools."""
    parts = [_header(results), *_rows(results), *_memory(results), *_float_layers(results), *_parity(results)]
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
    return "\n".join([*lines, *wrong, *failed, *disturbed])


def _rows(results: Results) -> list[str]:
    rows = results.rows
    shown = [c for c in COLUMNS if c.key in _ALWAYS or any(c.value(row) is not None for row in rows)]
    words = sum(column.write is None for column in shown)
    lines = ([_marked(row, column.text(row), column.key) for column in shown] for row in rows)
    return ["## Rows", _table([column.heading for column in shown], lines, words)] if rows else []


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


def _folded(title: str, content: str) -> str:
    return f"<details>\n<summary>{_escaped(title)}</summary>\n\n{content}\n\n</details>"


def _provenance(results: Results) -> list[str]:
    tools = [f"{name} {version}" for name, version in results.tools.items()]
    made = [f"Sepia {results.sepia_version}"] if results.sepia_version and "sepia" not in results.tools else []
    lines = [", ".join(made + tools)] if made or tools else []
    lines += [f"Made {results.created}."] if results.created else []
    files = _table(("file", "SHA-256"), ((f"{f.model}/{f.file}", f.sha256) for f in results.files), words=2)
    return (["## Made with", *lines] if lines else []) + (["## Files", files] if results.files else [])
