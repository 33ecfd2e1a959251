"""Two results side by side: what changed of each row, by how much, and whether for the better."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from io import StringIO
from typing import Any

from .columns import FIGURES, UNKNOWN
from .disturbed import disturbance
from .results import Results
from .row import Row
from .statements import failed_devices

__all__ = ["Change", "Comparison", "Turn", "compare", "comparison_text"]


@dataclass(frozen=True)
class Change:
    """One figure of one row. relative: new / old − 1, None where old is 0. better: None where neither way is."""

    row: str
    figure: str
    old: float
    new: float
    relative: float | None
    better: bool | None


@dataclass(frozen=True)
class Turn:
    """A row whose state changed: "right", "wrong", "not checked" or "failed", with the reason of the new state."""

    row: str
    old: str
    new: str
    reason: str

    @property
    def better(self) -> bool:
        return self.new not in ("wrong", "failed")


@dataclass(frozen=True)
class Comparison:
    """What `compare` found. changes: every figure known on both sides, in the rows' order, the unchanged ones too.

    only_old, only_new: rows that the other side lacks. incomparable: rows whose figures were had in different ways.
    disturbed: rows whose times may differ for what disturbed them, on which side. failed_devices: of the new results.
    """

    changes: tuple[Change, ...]
    turns: tuple[Turn, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    incomparable: tuple[str, ...]
    disturbed: tuple[str, ...] = ()
    failed_devices: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def compare(old: Results, new: Results) -> Comparison:
    """Match rows by their key (model, format, precision, recipe, runtime, target) and compare figure by figure.

    Rows that were measured once and predicted the other time are named, not compared.
    """
    before = {row.key: row for row in old.rows}
    pairs = [(before[row.key], row) for row in new.rows if row.key in before]
    keys = {row.key for row in new.rows}
    alike = [(was, now) for was, now in pairs if was.how == now.how]
    return Comparison(
        changes=tuple(change for was, now in alike for change in _changes(was, now)),
        turns=tuple(
            Turn(now.name, _state(was), _state(now), now.failure or now.reason or "")
            for was, now in alike
            if _state(was) != _state(now)
        ),
        only_old=tuple(row.name for row in old.rows if row.key not in keys),
        only_new=tuple(row.name for row in new.rows if row.key not in before),
        incomparable=tuple(f"{now.name}: {was.how}, then {now.how}" for was, now in pairs if was.how != now.how),
        disturbed=tuple(line for was, now in alike for line in _disturbed(was, now)),
        failed_devices=tuple(failed_devices(new.devices)),
    )


def _changes(old: Row, new: Row) -> Iterator[Change]:
    for key, column in FIGURES.items():
        was, now = column.value(old), column.value(new)
        if isinstance(was, str) or isinstance(now, str) or was is None or now is None:
            continue
        relative = now / was - 1 if was else None
        better = None if column.better is None or was == now else (now < was) == (column.better == "lower")
        yield Change(new.name, key, was, now, relative, better)


def _disturbed(old: Row, new: Row) -> Iterator[str]:
    for side, row in (("old", old), ("new", new)):
        if row.disturbed:
            yield f"{new.name}, {side}: {disturbance(row)}"


def _state(row: Row) -> str:
    return "failed" if row.failure else row.outputs


def comparison_text(comparison: Comparison, *, least: float = 0.01, width: int = 120) -> str:
    """The comparison as plain text, no line wider than `width`.

    least: relative change below which a figure is not listed (latencies differ by a per cent from run to run).
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for heading in ("row", "figure", "old", "new", "change", ""):
        table.add_column(heading, justify="right" if heading in ("old", "new", "change") else "left", overflow="fold")
    listed = [c for c in comparison.changes if c.old != c.new and (c.relative is None or abs(c.relative) >= least)]
    for change in listed:
        column = FIGURES[change.figure]
        figures = (column.write(value) if column.write else str(value) for value in (change.old, change.new))
        relative = UNKNOWN if change.relative is None else f"{change.relative:+.1%}"
        verdict = {True: "better", False: "worse", None: ""}[change.better]
        table.add_row(escape(change.row), escape(column.heading), *figures, relative, verdict)
    lines = [f"{turn.row}: {turn.old} → {turn.new} {turn.reason}".rstrip() for turn in comparison.turns]
    lines += [f"disturbed, times may not compare: {row}" for row in comparison.disturbed]
    lines += [f"board failed: {device}" for device in comparison.failed_devices]
    lines += [f"not comparable: {row}" for row in comparison.incomparable]
    lines += [f"only in the old results: {row}" for row in comparison.only_old]
    lines += [f"only in the new results: {row}" for row in comparison.only_new]
    rest = len(comparison.changes) - len(listed)
    lines.append(f"{rest} of {len(comparison.changes)} figures changed by less than {least:.0%}.")
    console = Console(file=StringIO(), width=width, color_system=None, highlight=False, legacy_windows=False)
    with console.capture() as capture:
        if listed:
            console.print(table)
        for line in lines:
            console.print(line, markup=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"
