"""Separability for the terminal: the whole, a table that begins with what could become separable, and what it means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from .separability import LayerRow, Possible, Saving, Separability

__all__ = ["to_text"]

_HEAD = ("layer", "kind", "shape", "params k", "MACs M", "could be", "params k", "MACs M", "counted", "formula")
_LEFT = {0, 1, 2, 5, 9}


def to_text(found: Separability, *, rows: int = 12) -> str:
    """rows: layers in the table, at most; the rest is counted."""
    return "\n".join([*_whole(found), *_table(found, rows), *_savings(found), *_reasons(found), *_meaning(found)])


def _whole(found: Separability) -> Iterator[str]:
    yield (
        f"{found.source}: {_mega(found.params)} M parameters, {_mega(found.macs)} M MACs, "
        f"{found.separable_share:.1%} of them in separable layers"
    )
    convolutions = [row for row in found.layers if row.kernel]
    if not convolutions:
        yield "it has no convolution: there is nothing that could be separable"
    elif not any(row.separable for row in found.layers):
        yield "none of its layers is separable"
    if found.kinds:
        yield ""
        head = ("kind", "layers", "params k", "MACs M", "of MACs")
        cells = [
            (row.kind, str(row.layers), _kilo(row.params), _mega(row.macs), f"{row.macs / found.macs:.1%}")
            for row in found.kinds
        ]
        yield from _aligned([head, *cells], left={0})
    macs = {row.layer: row.macs for row in found.layers}
    for kind, count in Counter(pair.kind for pair in found.pairs).items():
        within = {layer for pair in found.pairs if pair.kind == kind for layer in (pair.first, pair.second)}
        share = sum(macs[layer] for layer in within) / found.macs
        yield f"{count} {kind} {_plural('pair', count)} of layers: {share:.1%} of the MACs"


def _table(found: Separability, rows: int) -> Iterator[str]:
    shown = found.most_saved_first[:rows]
    if not any(row.kernel for row in found.layers):
        return
    lines: list[Sequence[str]] = [_HEAD]
    for row in shown:
        first, *rest = [_possible(one) for one in row.possible] or [("–",)]
        lines.append((row.layer, row.kind, _shape(row), _kilo(row.params), _mega(row.macs), *first))
        lines.extend(("", "", "", "", "", *more) for more in rest)
    yield ""
    yield from _aligned(lines, left=_LEFT)
    more = found.most_saved_first[rows:]
    if more:
        saved = sum(row.macs - row.least_macs for row in more)
        could = f"which could save {_mega(saved)} M MACs" if saved else "of which none could save MACs"
        yield f"and {len(more)} more {_plural('layer', len(more))}, {could} (--rows {len(found.layers)})"


def _savings(found: Separability) -> Iterator[str]:
    if found.savings:
        yield ""
    for saving in found.savings:
        what = saving.technique or "the least of these in each layer"
        yield f"{what}, in {saving.layers} {_plural('layer', saving.layers)}: {_changed(found, saving)}"


def _reasons(found: Separability) -> Iterator[str]:
    reasons = Counter(row.why_none for row in found.layers if row.why_none)
    if reasons:
        yield ""
        yield "nothing to gain in " + "; ".join(f"{count} ({reason})" for reason, count in sorted(reasons.items()))


def _meaning(found: Separability) -> Iterator[str]:
    if not found.savings:
        return
    yield ""
    yield (
        "Fewer MACs say nothing about accuracy: another layer computes another function. `sepia separate` measures "
        "what that loses and repairs it. Nor are they time: `sepia bench` measures that."
    )


def _changed(found: Separability, saving: Saving) -> str:
    return (
        f"MACs {_mega(found.macs)} → {_mega(saving.macs)} M ({saving.macs / found.macs:.1%}), parameters "
        f"{_mega(found.params)} → {_mega(saving.params)} M, {saving.separable_share:.1%} of MACs separable"
    )


def _possible(one: Possible) -> tuple[str, ...]:
    ranked = "" if one.rank == 1 else f", {one.rank} between"
    formula = f"{one.formula} = {one.formula_ratio:.1%}"
    return (f"{one.technique}{ranked}", _kilo(one.params), _mega(one.macs), f"{one.macs_ratio:.1%}", formula)


def _shape(row: LayerRow) -> str:
    """3×3/2 32→64 112×112: kernel, stride, channels, positions of the output."""
    kernel = "×".join(map(str, row.kernel))
    stride = "" if set(row.strides) <= {1} else "/" + "×".join(map(str, dict.fromkeys(row.strides)))
    size = "×".join(map(str, row.size_out))
    return " ".join(part for part in (kernel + stride, f"{row.channels_in}→{row.channels_out}", size) if part)


def _aligned(rows: Sequence[Sequence[str]], *, left: Iterable[int]) -> Iterator[str]:
    left = set(left)
    columns = range(max(map(len, rows)))
    widths = [max(len(row[column]) for row in rows if column < len(row)) for column in columns]
    for row in rows:
        cells = [
            cell.ljust(widths[column]) if column in left else cell.rjust(widths[column])
            for column, cell in enumerate(row)
        ]
        yield "  ".join(cells).rstrip()


def _kilo(count: int) -> str:
    return f"{count / 1e3:.4g}"


def _mega(count: int) -> str:
    return f"{count / 1e6:.4g}"


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
