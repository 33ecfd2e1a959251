"""An explanation for the terminal: the whole, a table with the worst layer first, and why."""

from __future__ import annotations

from collections.abc import Iterator

from .explanation import Channel, Explanation, LayerRow, PartError

__all__ = ["to_text"]

UNKNOWN = "–"


def to_text(found: Explanation, *, rows: int = 12) -> str:
    """rows: of the table, at most; the rest is counted."""
    return "\n".join([*_whole(found), "", *_table(found, rows)])


def whole_sentences(found: Explanation) -> Iterator[str]:
    """What is said of the whole network, a sentence each."""
    for output in found.outputs:
        of_spread = f" ({100 * output.rms / output.spread:.1f} % of its spread)" if output.spread > 0 else ""
        same = "" if output.agreement is None else f", agreement {output.agreement:.3f}"
        yield f"'{output.name}': rms error {output.rms:.4g}{of_spread}{same}"
    told = {"weights alone": found.weights, "activations alone": found.activations}
    parts = ", ".join(f"{name} {number(value * found.unit)}" for name, value in told.items())
    of_whole = f" ({found.in_quadrature / found.rebuilt:.0%} of the whole)" if found.rebuilt > 0 else ""
    yield f"{parts}; all parts in quadrature {number(found.in_quadrature * found.unit)}{of_whole}"
    if not found.complete:
        yield (
            f"the parts found make {number(found.rebuilt * found.unit)} and not {number(found.whole * found.unit)}: "
            "the file does more to the network than is found in it, so read the shares with care"
        )
    if found.lost:
        yield f"not found in the float network: {', '.join(found.lost)}"
    if found.left_float:
        yield f"in float: {', '.join(found.left_float)}"
    if found.built_in:
        yield "no data was given: these are the photos in scikit-image, and yours may do other things"


def number(value: float) -> str:
    return f"{value:.3g}"


def decibel(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f}"


def share(part: PartError | None) -> str:
    return UNKNOWN if part is None else f"{100 * part.share:.1f}"


def spared(row: LayerRow) -> float:
    return sum(part.spared for part in (row.weights, row.activation) if part is not None)


def channel_sentence(channel: Channel) -> str:
    """One of the worst channels, its ranges and its scale."""
    said = f"channel {channel.channel}: {decibel(channel.sqnr_db)} dB"
    if channel.weight_low is not None and channel.weight_high is not None and channel.scale is not None:
        said += f", weights {channel.weight_low:.3g} to {channel.weight_high:.3g} in steps of {channel.scale:.3g}"
        if channel.ratio is not None:
            said += f" ({_ratio(channel.ratio)} of the tensor's range, codes to {channel.codes_used})"
    return said + f", puts out {channel.low:.3g} to {channel.high:.3g}"


def _ratio(ratio: float) -> str:
    return f"1:{1 / ratio:.3g}" if ratio > 0 else "none"


def _whole(found: Explanation) -> list[str]:
    recipe = f", recipe {found.recipe}" if found.recipe else ""
    head = f"{found.file} against {found.source}{recipe}: {found.samples} samples of {found.data}"
    return [head, *whole_sentences(found)]


def _table(found: Explanation, rows: int) -> Iterator[str]:
    order = found.worst_first
    width = max((len(row.layer) for row in order[:rows]), default=5)
    yield f"{'adds':>6} {'weights':>8} {'activ.':>7} {'spares':>7} {'SQNR':>6} {'alone':>6}  {'layer':<{width}}  kind"
    yield f"{'%':>6} {'%':>8} {'%':>7} {'%':>7} {'dB':>6} {'dB':>6}"
    for row in order[:rows]:
        yield (
            f"{100 * row.share:>6.1f} {share(row.weights):>8} {share(row.activation):>7} {100 * spared(row):>7.1f} "
            f"{decibel(row.sqnr_db):>6} {decibel(row.sqnr_alone_db):>6}  {row.layer:<{width}}  {row.kind}"
        )
        yield from (f"       {hint.cause}: {hint.remedy}" for hint in row.hints)
        if row.hints and row.worst:
            yield f"       {channel_sentence(row.worst[0])}"
    rest = order[rows:]
    if rest:
        yield f"{100 * sum(row.share for row in rest):>6.1f}  in {len(rest)} more layers"
        told = ((row, hint) for row in rest for hint in row.hints if not hint.harmless)
        yield from (f"       {row.layer}: {hint.cause}: {hint.remedy}" for row, hint in told)
        dead = [len(row.dead) for row in rest if row.dead]
        if dead:
            yield f"       {sum(dead)} channels in {len(dead)} of them never changed on these samples"
