"""What the charts draw: rows, memory, layers and errors as flat records, each figure also as text for who hovers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .columns import FIGURES, UNKNOWN, in_megabytes, in_millions, significant
from .disturbed import disturbance
from .labels import engine_labels, place, row_labels
from .results import Results
from .row import INSTRUCTION_KINDS, LayerTime, Row

__all__ = [
    "Record",
    "error_records",
    "instruction_records",
    "layer_instruction_records",
    "layer_records",
    "memory_records",
    "row_records",
]

Record = dict[str, Any]

MOST_KINDS = 8
"""How many kinds of layers the page has colours for."""

_TOLD = ("model", "precision", "recipe", "format", "runtime", "target", "how", "outputs", "failure")


def row_records(results: Results) -> list[Record]:
    """One record a row; `id` is its place, `engine` the label that float and int8 share."""
    rows = results.rows
    labels = zip(engine_labels(rows), row_labels(rows), strict=True)
    return [
        {"id": number, "engine": engine, "label": label, **_row(row)}
        for number, (row, (engine, label)) in enumerate(zip(rows, labels, strict=True))
    ]


def _row(row: Row) -> Record:
    bound = row.latency_bound or 0
    low = row.latency_ms * (1 - bound) if row.latency_ms and bound else row.latency_min_ms
    high = row.latency_ms * (1 + bound) if row.latency_ms and bound else row.latency_p99_ms
    record: Record = {key: getattr(row, key) for key in _TOLD}
    return record | {
        "place": place(row),
        "slot": f"{row.precision} {row.recipe or ''}".strip(),
        "latency_ms": row.latency_ms,
        "latency_low_ms": low or row.latency_ms,
        "latency_high_ms": high or row.latency_ms,
        "latency_end_ms": max(high or 0, row.latency_ms or 0) or None,
        "latency_text": _with_unit(row, "latency_ms") + (f" ± {bound:.0%}" if bound else ""),
        "spread_text": " – ".join(
            FIGURES[key].text(row) for key in ("latency_min_ms", "latency_p90_ms", "latency_p99_ms")
        )
        + " ms",
        "disturbed": disturbance(row),
        "bar_text": _bar_text(row),
        "outputs_text": f"{row.outputs}: {row.reason}" if row.reason else row.outputs,
        "accuracy_text": _accuracy(row),
    }


def _with_unit(row: Row, key: str) -> str:
    column = FIGURES[key]
    text = column.text(row)
    return text if text == UNKNOWN else f"{text} {column.unit}".rstrip()


def _bar_text(row: Row) -> str:
    text = _with_unit(row, "latency_ms") + (f" ± {row.latency_bound:.0%}" if row.latency_bound else "")
    text += "   * disturbed" if row.disturbed else ""
    return f"{text}   ✗ wrong outputs" if row.outputs == "wrong" else text


def _accuracy(row: Row) -> str:
    if row.agreement is None:
        return "none: outputs are wrong" if row.outputs == "wrong" else "not measured"
    return f"{FIGURES['agreement'].text(row)} with float, {row.images} images"


def memory_records(results: Results) -> list[Record]:
    """One record a row and phase, sizes in MiB."""
    rows = results.rows
    labels = zip(engine_labels(rows), row_labels(rows), strict=True)
    return [
        {
            "id": number,
            "engine": engine,
            "label": label,
            "precision": row.precision,
            "phase": phase.phase,
            "rss_mib": _mib(phase.rss_bytes),
            "peak_mib": _mib(phase.peak_rss_bytes),
            "rss_text": _mib_text(phase.rss_bytes),
            "pss_text": _mib_text(phase.pss_bytes),
            "peak_text": _mib_text(phase.peak_rss_bytes),
        }
        for number, (row, (engine, label)) in enumerate(zip(rows, labels, strict=True))
        for phase in row.memory
    ]


def _mib(size: int | None) -> float | None:
    return None if size is None else round(size / 2**20, 3)


def _mib_text(size: int | None) -> str:
    return UNKNOWN if size is None else f"{in_megabytes(size)} MiB"


def layer_records(results: Results) -> list[Record]:
    """One record a row and timed layer, in execution order. `kind_rank`: place of its kind by time over all rows."""
    ranks = _kind_ranks(results)
    return [record for number, row in enumerate(results.rows) for record in _layers(number, row, ranks)]


def _kind_ranks(results: Results) -> dict[str, int]:
    times: dict[str, float] = {}
    for layer in (layer for row in results.rows for layer in row.layers or ()):
        times[_kind(layer)] = times.get(_kind(layer), 0) + layer.time_ms
    return {kind: rank for rank, kind in enumerate(sorted(times, key=lambda kind: (-times[kind], kind)))}


def _kind(layer: LayerTime) -> str:
    return layer.kind or layer.op


def _layers(number: int, row: Row, ranks: Mapping[str, int]) -> Iterator[Record]:
    layers = row.layers or ()
    total = sum(layer.time_ms for layer in layers) or 1
    own = sorted({_kind(layer) for layer in layers}, key=lambda kind: ranks[kind])
    # More kinds than colours: the quickest ones share the last.
    named = own if len(own) <= MOST_KINDS else own[: MOST_KINDS - 1]
    for index, layer in enumerate(layers):
        yield {
            "id": number,
            "index": index,
            "layer": layer.layer,
            "op": layer.op,
            "kind": _kind(layer) if _kind(layer) in named else "other",
            "kind_rank": ranks[_kind(layer)] if _kind(layer) in named else len(ranks),
            "precision": layer.precision or UNKNOWN,
            "time_ms": layer.time_ms,
            "time_text": f"{significant(layer.time_ms)} ms, {layer.time_ms / total:.1%}",
            "fell_to_float": row.precision == "int8" and layer.precision not in ("int8", "none", None),
        }


def instruction_records(results: Results) -> list[Record]:
    """One record a row and kind of instruction; the first of a row carries the text of their sum."""
    counted = [(number, row) for number, row in enumerate(results.rows) if row.instructions is not None]
    labels = row_labels([row for _, row in counted])
    return [
        {
            "id": number,
            "label": label,
            "bar": _two_lines(label),
            "kind": kind,
            "kind_rank": rank,
            "millions": count / 1e6,
            "text": _share(count, row.instructions),
            "outputs": row.outputs,
            "outputs_text": f"{row.outputs}: {row.reason}" if row.reason else row.outputs,
            "total_millions": (row.instructions or 0) / 1e6,
            "total_text": _total_text(row) if rank == 0 else "",
        }
        for (number, row), label in zip(counted, labels, strict=True)
        for rank, (kind, count) in enumerate(_by_kind(row.instructions, row.instructions_by_kind))
    ]


def layer_instruction_records(results: Results) -> list[Record]:
    """One record a row, counted layer and kind of instruction, in execution order."""
    return [
        {
            "id": number,
            "index": index,
            "layer": layer.layer,
            "op": layer.op,
            "layer_kind": layer.kind or layer.op,
            "kind": kind,
            "kind_rank": rank,
            "millions": count / 1e6,
            "text": _share(count, layer.instructions),
            "total_text": f"{in_millions(layer.instructions)} M",
        }
        for number, row in enumerate(results.rows)
        for index, layer in enumerate(row.layer_instructions or ())
        for rank, (kind, count) in enumerate(_by_kind(layer.instructions, layer.by_kind))
    ]


def _by_kind(total: int | None, by_kind: Mapping[Any, int] | None) -> list[tuple[str, int]]:
    """All six kinds, or the sum as one where they are not told; nothing where nothing was counted."""
    if by_kind is None:
        return [("not told", total)] if total else []
    return [(kind, by_kind.get(kind, 0)) for kind in INSTRUCTION_KINDS]


def _share(count: int, total: int | None) -> str:
    return f"{in_millions(count)} M, {count / (total or 1):.1%}"


def _two_lines(label: str) -> str:
    """Runtime and precision, and below them where it ran: a narrow page has little room beside the bars."""
    runtime, *where, precision = label.split(" · ")
    return f"{runtime} · {precision}" + (f"\n{' · '.join(where)}" if where else "")


def _total_text(row: Row) -> str:
    text = f"{in_millions(row.instructions or 0)} M" + ("" if row.how == "emulated" else f" ({row.how})")
    return f"{text}   ✗ wrong" if row.outputs == "wrong" else text


def error_records(results: Results) -> list[Record]:
    """One record a layer and comparison; `series` says which."""
    several: Mapping[str, bool] = {
        "model": len({error.model for error in results.layer_errors}) > 1,
        "recipe": len({error.recipe for error in results.layer_errors}) > 1,
    }
    return [
        {
            "model": error.model,
            "runtime": error.runtime,
            "series": " · ".join(
                [getattr(error, key) or UNKNOWN for key in several if several[key]]
                + [f"{error.runtime} against {error.reference}"]
            ),
            "index": error.index,
            "layer": error.layer,
            "kind": error.kind or UNKNOWN,
            "sqnr_db": error.sqnr_db,
            "rms_lsb": error.rms_lsb,
            "max_lsb": error.max_lsb,
            "sqnr_text": UNKNOWN if error.sqnr_db is None else f"{error.sqnr_db:.1f} dB",
            "rms_text": UNKNOWN if error.rms_lsb is None else f"{significant(error.rms_lsb)} LSB",
            "max_text": UNKNOWN if error.max_lsb is None else f"{significant(error.max_lsb)} LSB",
        }
        for error in results.layer_errors
    ]
