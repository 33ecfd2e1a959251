"""The targets to choose: of the rows whose outputs are right, the fastest and the smallest; never across two hows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .columns import FIGURES
from .fact import How
from .labels import place
from .results import Results
from .row import Row

__all__ = ["Best", "best_of_all", "best_of_each", "best_statement", "best_statements"]


@dataclass(frozen=True)
class Best:
    """Of one network on one device (or on all that were measured): rows with right outputs, None where none is known.

    fastest: least p50. leanest: least peak memory. smallest: least file, of equal ones the least memory. fewest: least
    instructions, of emulated rows alone, which have neither time nor memory. rows: all there are, failed ones included.
    """

    model: str
    where: str
    how: How
    rows: int
    right: int
    wrong: int
    failed: int
    fastest: Row | None = None
    leanest: Row | None = None
    smallest: Row | None = None
    fewest: Row | None = None


def best_of_each(results: Results) -> tuple[Best, ...]:
    """One for each network and device with measured or emulated rows, in the rows' order, measured ones first."""
    found = []
    for how in ("measured", "emulated"):
        rows = [row for row in results.rows if row.how == how]
        for model, where in dict.fromkeys((row.model, place(row)) for row in rows):
            here = [row for row in rows if (row.model, place(row)) == (model, where)]
            found.append(_best(model, where, how, here))
    return tuple(found)


def best_of_all(results: Results) -> tuple[Best, ...]:
    """One for each network that was measured on more than one device: the best over all of them."""
    measured = [row for row in results.rows if row.how == "measured"]
    found = []
    for model in dict.fromkeys(row.model for row in measured):
        here = [row for row in measured if row.model == model]
        devices = len({place(row) for row in here})
        if devices > 1:
            found.append(_best(model, f"all {devices} devices together", "measured", here))
    return tuple(found)


def _best(model: str, where: str, how: How, rows: Sequence[Row]) -> Best:
    right = [row for row in rows if row.outputs == "right"]
    wrong = sum(row.outputs == "wrong" for row in rows)
    failed = sum(row.failure is not None for row in rows)
    return Best(
        model,
        where,
        how,
        len(rows),
        len(right),
        wrong,
        failed,
        fastest=_least(right, "latency_ms"),
        leanest=_least(right, "peak_rss_bytes"),
        smallest=_least(right, "file_bytes", "peak_rss_bytes", "instructions"),
        fewest=_least(right, "instructions") if how == "emulated" else None,
    )


def _least(rows: Sequence[Row], *keys: str) -> Row | None:
    known = [row for row in rows if getattr(row, keys[0]) is not None]
    return min(known, key=lambda row: [getattr(row, key) or float("inf") for key in keys], default=None)


def best_statements(results: Results) -> list[str]:
    """A sentence for each of `best_of_each`, then for each of `best_of_all`; the network is named where several are."""
    several = len({row.model for row in results.rows}) > 1
    found = best_of_each(results) + best_of_all(results)
    return [(f"{best.model} on " if several else "") + best_statement(best) for best in found]


def best_statement(best: Best) -> str:
    """In one sentence, how the figures were had included."""
    begin = f"{best.where}, {best.how}: "
    if not best.right:
        unchecked = best.rows - best.wrong - best.failed
        told = ((best.wrong, "wrong"), (unchecked, "not checked"), (best.failed, "failed"))
        return begin + "no target is known to be right (" + ", ".join(f"{n} {what}" for n, what in told if n) + ")."
    parts = [
        _told("the fastest that is right is", best.fastest, "latency_ms"),
        _told("of those that are right, the fewest instructions are taken by", best.fewest, "instructions"),
        _told("the least memory is taken by", best.leanest, "peak_rss_bytes"),
        "" if best.smallest is None else f"the smallest file is {_file(best.smallest)}",
    ]
    return begin + "; ".join(part for part in parts if part) + "."


def _told(what: str, row: Row | None, key: str) -> str:
    if row is None:
        return ""
    column = FIGURES[key]
    name = "" if key == "instructions" else f"{column.title} "
    words = f"{row.precision} {row.format}"
    star = ", though its run was disturbed" if key == "latency_ms" and row.disturbed else ""
    return f"{what} {row.target} ({words}), {name}{column.text(row)} {column.unit}{star}"


def _file(row: Row) -> str:
    column = FIGURES["file_bytes"]
    return f"{row.file or f'{row.precision} {row.format}'}, {column.text(row)} {column.unit}"
