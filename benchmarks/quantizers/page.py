"""The tables of a run in Markdown, each under the command that made it."""

from __future__ import annotations

from collections.abc import Iterable

from ..measured import Run
from ..tables import MIB, table
from .judge import LAYER_PHOTOS
from .results import Judged, QuantizerResults

__all__ = ["page"]


def page(results: QuantizerResults) -> str:
    """Machine, the tables that were run, versions, failures."""
    parts = [table(("machine", ""), list(results.machine.items()))]
    if results.quantizers:
        parts.append(_quantizers(results))
    if results.by_photos:
        parts.append(_by_photos(results))
    if results.per_tensor:
        parts.append(_per_tensor(results))
    if results.left_out:
        parts.append(f"Left out, with no environment pinned: {', '.join(results.left_out)}.")
    parts.append(_versions(results))
    if results.failures:
        rows = [(name, f"`{reason.splitlines()[-1]}`") for name, reason in results.failures.items()]
        parts.append("## What failed\n\n" + table(("what", "reason"), rows))
    return "\n\n".join(parts) + "\n"


def _quantizers(results: QuantizerResults) -> str:
    header = (
        "quantiser", "top-1", "agreement", "95 %", "rms", "95 %", "worst layer dB", "quantise s", "whole s",
        "peak MiB", "file MiB",
    )  # fmt: skip
    rows = [(judged.title, *_worth(judged), _layer(judged), *_cost(judged)) for judged in results.quantizers.values()]
    words = (
        f"Lite0 with its real weights, torch to one int8 file (Sepia's roads make two more), calibrated on "
        f"{results.photos} photos but where a row says otherwise; one process each, in turn{_rounds(results)}. "
        f"{_judged_words(results.quantizers.values())} Worst layer: least SQNR of a layer's output against float's, "
        f"all errors before it included, on {LAYER_PHOTOS} photos. Load average before the runs: "
        f"{_loads(results.quantizers.values())}."
    )
    return _under(results, "Quantisers", words, table(header, rows) + _footnotes(results.quantizers.values()))


def _by_photos(results: QuantizerResults) -> str:
    header = ("recipe", "photos", "top-1", "agreement", "95 %", "rms", "95 %", "quantise s", "peak MiB")
    rows = []
    for recipe, found in results.by_photos.items():
        for judged in found.values():
            rows.append((f"`{recipe}`", judged.title, *_worth(judged), *_cost(judged)[0::2]))
    words = (
        "Sepia's recipes from the float ONNX file, by what they were calibrated on: so many photos, evenly over all, "
        "or those in scikit-image's wheel."
    )
    return _under(results, "By photos", words, table(header, rows))


def _per_tensor(results: QuantizerResults) -> str:
    header = ("quantiser", "top-1", "agreement", "95 %", "rms", "95 %", "worst layer dB", "quantise s", "file MiB")
    rows = []
    for judged in results.per_tensor.values():
        seconds, _, _, size = _cost(judged)
        rows.append((judged.title, *_worth(judged), _layer(judged), seconds, size))
    words = "One scale of weights a layer, for runtimes that have nothing else; the rest as in the first table."
    return _under(results, "Weights per tensor", words, table(header, rows) + _footnotes(results.per_tensor.values()))


def _under(results: QuantizerResults, title: str, words: str, rest: str) -> str:
    return f"## {title}\n\n`{results.command}`\n\n{words}\n\n{rest}"


def _worth(judged: Judged) -> tuple[str, ...]:
    figures = judged.verdict.figures
    same, error = figures.agreement_interval, figures.rms_interval
    return (
        f"{figures.top1:.4f}",
        f"{figures.agreement:.4f}",
        f"{same[0]:.3f}–{same[1]:.3f}",
        f"{figures.rms:.4f}",
        f"{error[0]:.4f}–{error[1]:.4f}",
    )


def _layer(judged: Judged) -> str:
    layer = judged.verdict.layer
    return "–" if layer is None else f"{layer.sqnr_db:.1f} (layer {layer.index + 1} of {layer.layers})"


def _cost(judged: Judged) -> tuple[str, str, str, str]:
    """Quantise s, whole s, peak MiB, file MiB."""
    return (
        f"{judged.quantise_seconds:.1f}",
        f"{judged.wall_seconds:.1f}",
        f"{judged.peak_rss_bytes / MIB:.0f}",
        f"{judged.verdict.file_bytes / MIB:.1f}",
    )


def _footnotes(rows: Iterable[Judged]) -> str:
    lines = [
        f"{judged.title}: no worst layer: {judged.verdict.no_layer}."
        for judged in rows
        if judged.verdict.layer is None and judged.verdict.no_layer != "float"
    ]
    return "".join(f"\n\n{line}" for line in lines)


def _judged_words(rows: Iterable[Judged]) -> str:
    views = next(judged.verdict.figures.views for judged in rows)
    return (
        f"Top-1, agreement and rms error of the logits against the float network on {views // 2} other photos and "
        f"their mirror images, {views} views; intervals: Wilson's of agreement (as if views were independent), "
        f"bootstrap over photos of rms."
    )


def _rounds(results: QuantizerResults) -> str:
    rounds = max(len(judged.runs) for judged in results.quantizers.values())
    return "" if rounds == 1 else f", {rounds} rounds, medians and the largest peak RSS"


def _loads(rows: Iterable[Judged]) -> str:
    loads = [run.load_average for judged in rows for run in judged.runs]
    return f"{min(loads):.2f}–{max(loads):.2f}"


def _versions(results: QuantizerResults) -> str:
    found: dict[str, Run] = {}
    for name, judged in (results.quantizers | results.per_tensor).items():
        found.setdefault(name.partition("-")[0], judged.runs[-1])
    for rows in results.by_photos.values():
        for judged in rows.values():
            found.setdefault("sepia", judged.runs[-1])
    packages = [
        (name, ", ".join(f"{one} {version}" for one, version in run.versions.items())) for name, run in found.items()
    ]
    return "## Versions\n\n" + table(("road", "packages"), packages)
