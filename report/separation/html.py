"""A separation as a page: one HTML file that needs no network, in the report's style."""

from __future__ import annotations

from ..page import asset, page_room
from .separation import Separation
from .text import judged_sentence, layer_cells, left_sentence

__all__ = ["to_html"]


def to_html(found: Separation) -> str:
    """The page as one text; figures alone, no script."""
    before, after = found.before, found.after
    tiles = [
        ("MACs", f"{after.macs / 1e6:.4g}", "M", f"of {before.macs / 1e6:.4g} M: {after.macs / before.macs:.1%}"),
        ("parameters", f"{after.params / 1e6:.4g}", "M", f"of {before.params / 1e6:.4g} M"),
        (
            "in separable layers",
            f"{100 * after.separable_share:.1f}",
            "% of MACs",
            f"before {before.separable_share:.1%}",
        ),
    ]
    if found.judged.agreement is not None:
        tiles.insert(
            0, ("agreement", f"{found.judged.agreement:.4f}", "", f"on {found.samples_held} samples held back")
        )
    if before.p50_ms is not None and after.p50_ms is not None:
        note = f"measured on {_place(found)}; before {before.p50_ms:.3g}"
        tiles.append(("latency p50", f"{after.p50_ms:.3g}", "ms", note))
    if before.instructions is not None and after.instructions is not None:
        note = f"emulated, on {_place(found)}; before {before.instructions / 1e6:.4g}"
        tiles.append(("instructions", f"{after.instructions / 1e6:.4g}", "M", note))
    sentences = [f"Without repair: {judged_sentence(found.without_repair)}."]
    if found.with_repair is not None:
        sentences.append(f"After {found.repair_steps} steps of repair: {judged_sentence(found.with_repair)}.")
    if found.left:
        sentences.append(left_sentence(found).capitalize() + ".")
    if found.target_failure:
        sentences.append(f"Latency on {found.target} was not measured: {found.target_failure}.")
    page: str = (
        page_room()
        .get_template("separation.html.j2")
        .render(
            found=found,
            tiles=tiles,
            sentences=sentences,
            place=_place(found),
            rows=[layer_cells(row) for row in found.layers],
            style=asset("report.css"),
        )
    )
    return page + "\n"


def _place(found: Separation) -> str:
    return "this machine" if found.target == "host" else found.target
