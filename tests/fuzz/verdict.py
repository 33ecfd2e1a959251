"""One drawn graph through everything: what is told of it in a line of the record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .apart import run_apart
from .draft import Drawn
from .engines import ENGINES, run_engines
from .exceptions import excuse
from .judge import compare
from .looseness import LOOSENESS
from .moved_codes import CRASHES
from .reference import Reference, evaluate

__all__ = ["Told", "Verdict", "judged"]


@dataclass(frozen=True)
class Told:
    """One runtime on one graph. finding: what nothing explains, "" if all is well. excuse: the runtime's known fault
    that explains it. refusals: of our writer. codes, pinned, equal: as in `Difference`, over all outputs."""

    engine: str
    finding: str = ""
    excuse: str = ""
    refusals: tuple[str, ...] = ()
    codes: int = 0
    pinned: int = 0
    equal: int = 0
    relative: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """structure: a digest of the model's bytes. ops: without Q and DQ, in order."""

    structure: str
    ops: tuple[str, ...]
    codes: bool
    opset: int
    told: tuple[Told, ...] = field(default_factory=tuple)

    @property
    def findings(self) -> Iterator[tuple[str, str]]:
        """Engine and what it did."""
        return ((told.engine, told.finding) for told in self.told if told.finding)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def judged(drawn: Drawn, folder: Path, engines: tuple[str, ...] = ENGINES) -> Verdict:
    """Run and compare. folder: for files that the next graph writes over."""
    references = {loose: evaluate(drawn.model, drawn.feeds, loose) for loose in {LOOSENESS.get(e) for e in engines}}
    alone = [e for e in engines if any(e in known.engines and known.holds(drawn) for known in CRASHES)]
    outcomes = run_engines(drawn, folder, tuple(e for e in engines if e not in alone))
    outcomes |= {engine: run_apart(drawn, folder, engine) for engine in alone}
    told = []
    for engine, outcome in outcomes.items():
        if outcome.refusals:
            told.append(Told(engine, refusals=outcome.refusals))
            continue
        found = _told(drawn, engine, outcome.failure, outcome, references[LOOSENESS.get(engine)])
        told.append(found)
    model = drawn.model
    return Verdict(
        structure=hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()[:16],
        ops=tuple(n.op_type for n in model.graph.node if n.op_type not in ("QuantizeLinear", "DequantizeLinear")),
        codes=drawn.codes,
        opset=next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")),
        told=tuple(told),
    )


def _told(drawn: Drawn, engine: str, failure: str, outcome: Any, reference: Reference) -> Told:
    differences = [] if failure else compare(drawn, outcome, reference)
    wrong = failure or next((f"'{d.output}' {d.what}" for d in differences if d.what), "")
    excused = excuse(drawn, engine) if wrong else ""
    return Told(
        engine,
        finding="" if excused else wrong,
        excuse=excused,
        codes=sum(d.codes for d in differences),
        pinned=sum(d.pinned for d in differences),
        equal=sum(d.equal for d in differences),
        relative=max((d.relative for d in differences), default=0.0),
    )
