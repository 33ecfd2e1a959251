"""A separation for people, as plain text."""

from __future__ import annotations

from collections import Counter

from .separation import Judged, LayerRow, Separation

__all__ = ["changed", "judged_sentence", "layer_cells", "left_sentence", "to_text"]

_HEAD = ("layer", "technique", "rank", "error", "params k", "", "MACs M", "", "p50 µs", "")


def to_text(found: Separation) -> str:
    """A headline, a row a layer (each figure before and after), and what stays as it is."""
    before, after = found.before, found.after
    lines = [
        f"{found.source}, {found.goal}: MACs {before.macs / 1e6:.4g} → {after.macs / 1e6:.4g} M "
        f"({after.macs / before.macs:.1%}), parameters {before.params / 1e6:.4g} → {after.params / 1e6:.4g} M",
        *([f"on one thread {_place(found)}, ONNX Runtime, float: {told}"] if (told := changed(found)) else []),
        *([f"latency on {found.target} was not measured: {found.target_failure}"] if found.target_failure else []),
        f"on {found.samples_held} samples held back: {judged_sentence(found.without_repair)} without repair"
        + (f", {judged_sentence(found.with_repair)} with" if found.with_repair else ""),
        *(f"tried: {row.macs / 1e6:.4g} M MACs, agreement {row.agreement}" for row in found.tried),
    ]
    rows = [_HEAD, *(layer_cells(row) for row in found.layers)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(_HEAD))]
    for row in rows:
        cells = [cell.ljust(width) if index < 2 else cell.rjust(width) for index, (cell, width) in
                 enumerate(zip(row, widths, strict=True))]  # fmt: skip
        lines.append("  " + " ".join(cells).rstrip())
    return "\n".join([*lines, *([left_sentence(found)] if found.left else [])])


def changed(found: Separation) -> str:
    """Latency of the whole, before and after, or instructions where an emulated core counted them; "" for neither."""
    before, after = found.before, found.after
    if before.p50_ms is not None and after.p50_ms is not None:
        return f"p50 {before.p50_ms:.3g} → {after.p50_ms:.3g} ms (measured)"
    if before.instructions is not None and after.instructions is not None:
        return f"{before.instructions / 1e6:.4g} → {after.instructions / 1e6:.4g} M instructions (emulated)"
    return ""


def _place(found: Separation) -> str:
    return "here" if found.target == "host" else f"of {found.target}"


def judged_sentence(judged: Judged) -> str:
    """What the outputs lose."""
    agree = "" if judged.agreement is None else f"agreement {judged.agreement:.4f}, "
    return f"{agree}error {100 * judged.loss:.1f} % of the outputs' spread"


def layer_cells(row: LayerRow) -> tuple[str, ...]:
    """In the order of the table's head: errors in percent, figures before and after."""

    def time(value: float | None) -> str:
        return "–" if value is None else f"{value:.0f}"

    return (
        row.layer,
        row.technique,
        str(row.rank),
        f"{100 * row.response_error:.1f} %" + ("" if row.with_data else " (weights)"),
        f"{row.params_before / 1e3:.4g}",
        f"{row.params / 1e3:.4g}",
        f"{row.macs_before / 1e6:.4g}",
        f"{row.macs / 1e6:.4g}",
        time(row.p50_us_before),
        time(row.p50_us),
    )


def left_sentence(found: Separation) -> str:
    """How many convolutions stay, by reason."""
    reasons = Counter(found.left.values())
    return "left as they are: " + ", ".join(f"{count} ({reason})" for reason, count in sorted(reasons.items()))
