"""The summary of a run as text."""

from __future__ import annotations

from collections.abc import Iterator

from .engines import ENGINES
from .record import Summary

__all__ = ["page"]


def page(found: Summary, seed: int) -> str:
    return "\n".join(_lines(found, seed))


def _lines(found: Summary, seed: int) -> Iterator[str]:
    quantised = found.graphs - found.float_graphs
    yield f"{found.graphs} graphs of seed {seed}, {len(found.distinct)} of them distinct; {quantised} with codes"
    commits = ", ".join(f"{commit or 'unknown'}: {count}" for commit, count in found.commits.most_common())
    yield f"graphs by commit: {commits}"
    yield "ops, by graphs: " + ", ".join(f"{op} {count}" for op, count in found.ops.most_common())
    yield ""
    for engine in ENGINES:
        codes = found.codes[engine]
        line = f"{engine}: {found.compared[engine]} graphs explained"
        if codes:
            line += f", {codes} codes, {found.pinned[engine] / codes:.3%} pinned to one value"
            line += f", {found.equal[engine] / codes:.3%} the reference's"
        yield line + f"; floats within {found.relative.get(engine, 0.0):.1e} of their range"
    yield ""
    yield f"{found.refused} graphs refused by the TFLite writer:"
    yield from (f"  {count:5} {reason}" for reason, count in found.refusals.most_common())
    yield "known faults of the runtimes:"
    yield from (f"  {count:5} {engine}: {name}" for (engine, name), count in found.excuses.most_common())
    total = sum(len(numbers) for numbers in found.findings.values())
    yield f"{total} findings:" if total else "no finding"
    for (engine, kind), numbers in sorted(found.findings.items(), key=lambda item: -len(item[1])):
        yield f"  {len(numbers):5} {engine}: {kind} (graphs {', '.join(map(str, numbers[:6]))})"
