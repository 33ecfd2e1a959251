"""The tables of a run in Markdown, each under the command that made it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from .contestants import CONTESTANTS, OURS
from .results import Results, Standing, standing_of

__all__ = ["markdown", "table"]

MIB = 2**20


def markdown(results: Results) -> str:
    """The whole page: machine, roads, latency, memory, versions, failures."""
    parts = [_machine(results)]
    if results.roads:
        parts += [_roads(results), _steps(results)]
    if results.latency:
        parts.append(_latency(results))
    if results.memory:
        parts.append(_memory(results))
    if results.roads:
        parts.append(_versions(results))
    if results.failures:
        rows = [(name, f"`{reason.splitlines()[-1]}`") for name, reason in results.failures.items()]
        parts.append("## What failed\n\n" + table(("what", "reason"), rows))
    return "\n\n".join(parts) + "\n"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """In Markdown. A row has a cell for each column of the header."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _under(results: Results, title: str, words: str, table: str) -> str:
    return f"## {title}\n\n`{results.command}`\n\n{words}\n\n{table}"


def _machine(results: Results) -> str:
    return table(("machine", ""), [(key, value) for key, value in results.machine.items()])


def _roads(results: Results) -> str:
    ours = standing_of(results.roads[OURS.name]) if OURS.name in results.roads else None
    rows = []
    for contestant in CONTESTANTS:
        runs = results.roads.get(contestant.name)
        if not runs:
            continue
        cells = _standing(standing_of(runs), ours)
        for suffix in contestant.runtimes:
            worth = _worth(results.fidelity.get(contestant.name, {}).get(suffix))
            rows.append((contestant.title if any(cells) else "", suffix[1:], *cells, *worth))
            cells = ("",) * len(cells)
    header = (
        "road",
        "file",
        "wall s",
        "less import",
        "CPU s",
        "ours / theirs",
        "peak MiB",
        "agreement",
        "rms",
        "top-1",
    )
    return _under(results, "From torch to int8", _roads_words(results), table(header, rows))


def _standing(theirs: Standing, ours: Standing | None) -> tuple[str, ...]:
    return (
        f"{theirs.wall_seconds:.1f}",
        f"{theirs.work_seconds:.1f}",
        f"{theirs.cpu_seconds:.1f}",
        f"{ours.wall_seconds / theirs.wall_seconds:.2f}" if ours else "–",
        f"{theirs.peak_rss_bytes / MIB:.0f}",
    )


def _worth(figures: dict[str, float] | None) -> tuple[str, ...]:
    keys = ("agreement", "rms", "top1")
    return tuple(f"{figures[key]:.3f}" for key in keys) if figures else ("–",) * len(keys)


def _roads_words(results: Results) -> str:
    loads = [run.load_average for runs in results.roads.values() for run in runs]
    rounds = max(len(runs) for runs in results.roads.values())
    turns = "1 round" if rounds == 1 else f"{rounds} rounds"
    whole = results.fidelity.get("float", {}).get(".onnx")
    float_top1 = f" (its top-1: {whole['top1']:.3f})" if whole else ""
    return (
        f"Lite0 with its real weights, torch to int8, calibrated on {results.photos} photos prepared beforehand. One "
        f"process each, in turn, {turns}: medians, and the largest peak RSS. Ours makes all three files, each peer its "
        f"one. Agreement and rms error of the logits are against the float network{float_top1}. Load average before "
        f"the runs: {min(loads):.2f}–{max(loads):.2f}."
    )


def _steps(results: Results) -> str:
    rows = []
    for contestant in CONTESTANTS:
        if runs := results.roads.get(contestant.name):
            steps = {"import": median(run.import_seconds for run in runs)}
            steps |= {name: median(run.steps[name] for run in runs) for name in runs[0].steps if name != "imported"}
            rows.append((contestant.name, ", ".join(f"{name} {seconds:.1f}" for name, seconds in steps.items())))
    words = "Seconds of each step, named by what was there at its end; medians."
    return _under(results, "Where the time goes", words, table(("road", "steps"), rows))


def _latency(results: Results) -> str:
    titles = {contestant.name: contestant.title for contestant in CONTESTANTS}
    rows = [
        (
            pair.runtime,
            titles[pair.peer],
            f"{pair.ratio.ours:.2f}",
            f"{pair.ratio.theirs:.2f}",
            f"{pair.ratio.value:.3f}",
            f"{pair.ratio.low:.3f}–{pair.ratio.high:.3f}",
            f"{pair.load_average:.2f}",
        )
        for pair in results.latency
    ]
    words = "Both files in the same runtime and process, 1 thread, interleaved in turns; medians."
    header = ("runtime", "against", "ours ms", "theirs ms", "ours / theirs", "95 % of resamples", "load")
    return _under(results, "Latency of the int8 files", words, table(header, rows))


def _memory(results: Results) -> str:
    rows = [
        (
            growth.name,
            str(growth.few),
            f"{growth.few_bytes / MIB:.0f}",
            str(growth.many),
            f"{growth.many_bytes / MIB:.0f}",
            f"{growth.ratio:.2f}",
            f"{growth.bytes_a_photo / MIB:.2f}",
            f"{growth.many_seconds:.1f}",
        )
        for growth in results.memory
    ]
    words = (
        "Peak RSS of a process that quantises Lite0 from its float ONNX file: few photos against many. Ours reads the "
        "photos themselves. `quantize_static`'s entropy keeps every activation: 400 photos would not fit here."
    )
    header = ("method", "few", "MiB", "many", "MiB", "many / few", "MiB a photo", "many: s")
    return _under(results, "Memory of calibration", words, table(header, rows))


def _versions(results: Results) -> str:
    rows = [
        (contestant.name, ", ".join(f"{name} {version}" for name, version in runs[-1].versions.items()))
        for contestant in CONTESTANTS
        if (runs := results.roads.get(contestant.name))
    ]
    return "## Versions\n\n" + table(("road", "packages"), rows)
