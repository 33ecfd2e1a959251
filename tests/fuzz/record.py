"""What a run has found so far: a folder of lines, one file a chunk, read again when it goes on."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Summary", "done", "forget_findings", "kind_of", "summary", "unfinished"]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue  # cut off when the process died


def kind_of(finding: str) -> str:
    """A finding without its names and numbers: what others of its kind share."""
    nameless = re.sub(r"'[^']*'", "…", finding)
    return re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "#", nameless)[:200]


def done(path: Path) -> set[int]:
    """Numbers that are settled, crashes among them."""
    return {line["number"] for line in _lines(path) if "number" in line} if path.is_file() else set()


def unfinished(path: Path) -> int | None:
    """The number that was begun and never told."""
    begun = [line["begun"] for line in _lines(path) if "begun" in line] if path.is_file() else []
    return begun[-1] if begun and begun[-1] not in done(path) else None


def forget_findings(folder: Path) -> list[int]:
    """Take out the numbers that showed one, so that they are judged anew. Returns them."""
    forgotten: list[int] = []
    for path in sorted(folder.glob("*.jsonl")):
        kept = []
        for line in _lines(path):
            found = Summary()
            if "number" in line:
                found.add(line)
            if found.findings:
                forgotten.append(line["number"])
            elif "number" in line:
                kept.append(json.dumps(line))
        path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    return forgotten


@dataclass
class Summary:
    """graphs: how many; distinct: how many of them differ. findings: kind → the numbers that show it. coded: engine →
    graphs with codes; shares: of their codes those that are pinned, each graph's share added.
    """

    graphs: int = 0
    float_graphs: int = 0
    distinct: set[str] = field(default_factory=set)
    ops: Counter[str] = field(default_factory=Counter)
    compared: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    pinned: Counter[str] = field(default_factory=Counter)
    equal: Counter[str] = field(default_factory=Counter)
    coded: Counter[str] = field(default_factory=Counter)
    shares: dict[str, float] = field(default_factory=dict)
    relative: dict[str, float] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    excuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    commits: Counter[str] = field(default_factory=Counter)

    def add(self, line: Mapping[str, Any]) -> None:
        self.graphs += 1
        self.commits[line.get("commit", "")] += 1
        for key in ("broken", "crashed"):
            if key in line:
                self._find("the fuzzer" if key == "broken" else "a runtime", f"{key}: {line[key]}", line["number"])
                return
        self.float_graphs += not line["codes"]
        self.distinct.add(line["structure"])
        self.ops.update(set(line["ops"]))
        refused: set[str] = set()
        for told in line["told"]:
            self._tell(told, line["number"], refused)
        self.refusals.update(refused)
        self.refused += bool(refused)

    def _tell(self, told: Mapping[str, Any], number: int, refused: set[str]) -> None:
        engine = told["engine"]
        refused.update(told["refusals"])
        if told["finding"]:
            self._find(engine, told["finding"], number)
        elif told["excuse"]:
            self.excuses[(engine, told["excuse"])] += 1
        elif not told["refusals"]:
            self.compared[engine] += 1
            for key in ("codes", "pinned", "equal"):
                getattr(self, key)[engine] += told[key]
            if told["codes"]:
                self.coded[engine] += 1
                self.shares[engine] = self.shares.get(engine, 0.0) + told["pinned"] / told["codes"]
            self.relative[engine] = max(self.relative.get(engine, 0.0), told["relative"])

    def _find(self, engine: str, what: str, number: int) -> None:
        self.findings.setdefault((engine, kind_of(what)), []).append(number)


def summary(folder: Path, graphs: int) -> Summary:
    """Of numbers below `graphs`, each once."""
    found, seen = Summary(), set[int]()
    for path in sorted(folder.glob("*.jsonl")):
        for line in _lines(path):
            number = line.get("number")
            if number is not None and number < graphs and number not in seen:
                seen.add(number)
                found.add(line)
    return found
