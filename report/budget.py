"""Budgets: what a row may cost at most and must reach at least, read from TOML and held against results.

[[budget]]
target = "pi4-*"                                  # patterns: model, target, runtime, format, precision, recipe, how
precision = "int8"
max = { latency_ms = 40, peak_rss_bytes = 120e6 }
min = { agreement = 0.97 }
max_worsening = { latency_ms = 0.05 }             # relative to the old results, where there are some
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from ..errors import ConfigError, nearest
from .columns import FIGURES
from .disturbed import disturbance
from .fact import Fact
from .facts import DeviceFacts
from .results import Results
from .row import TIMES, Row

__all__ = ["Breach", "Budget", "breaches", "load_budgets"]

_PATTERNS = ("model", "target", "runtime", "format", "precision", "recipe", "how")


class Budget(Fact):
    """Limits for the rows that all patterns fit (`*` and `?` as in a shell); keys of the limits are rows' figures."""

    model: str = "*"
    target: str = "*"
    runtime: str = "*"
    format: str = "*"
    precision: str = "*"
    recipe: str = "*"
    how: str = "*"
    max: dict[str, float] = Field(default_factory=dict)
    """Figure → the greatest value allowed."""
    min: dict[str, float] = Field(default_factory=dict)
    """Figure → the least value allowed."""
    max_worsening: dict[str, float] = Field(default_factory=dict)
    """Figure → how much worse than in the old results it may be, relative: 0.05 is 5 %."""

    def fits(self, row: Row) -> bool:
        return all(fnmatchcase(getattr(row, key) or "", getattr(self, key)) for key in _PATTERNS)

    def speaks_of(self, device: DeviceFacts) -> bool:
        """Whether a row of `device` could fit; one that failed early is known by its board's name alone."""
        boards = fnmatchcase(device.name.partition("-")[0], self.target.partition("-")[0])
        return boards and fnmatchcase(device.how or "measured", self.how)

    def __str__(self) -> str:
        told = [f"{key} = {getattr(self, key)}" for key in _PATTERNS if getattr(self, key) != "*"]
        return ", ".join(told) or "every row"


@dataclass(frozen=True)
class Breach:
    """One broken budget: which row (None: none fits), which figure, and what is wrong."""

    budget: str
    row: str | None
    figure: str | None
    what: str

    def __str__(self) -> str:
        return f"{self.row or f'budget for {self.budget}'}: {self.what}"


def load_budgets(path: Path) -> tuple[Budget, ...]:
    """Read a budget file. Raises ConfigError: no file, no TOML, unknown keys (with the nearest), bad values."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(str(path), f"cannot be read ({reason})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), f"is not TOML ({error})") from error
    _refuse_unknown(path, "the file", found, ("budget",))
    tables = found.get("budget")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables) or not tables:
        raise ConfigError(str(path), "holds no budget", accepted="tables named [[budget]]")
    return tuple(_budget(path, number, table) for number, table in enumerate(tables, start=1))


def _budget(path: Path, number: int, table: dict[str, Any]) -> Budget:
    where = f"budget {number}"
    _refuse_unknown(path, where, table, Budget.model_fields)
    try:
        budget = Budget.model_validate(table)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        raise ConfigError(str(path), f"{where}, {key}: {problem['msg']}, not {problem['input']!r}") from error
    if not (budget.max or budget.min or budget.max_worsening):
        raise ConfigError(str(path), f"{where} sets no limit", accepted="max, min or max_worsening")
    _refuse_unknown(path, f"{where}, max", budget.max, FIGURES)
    _refuse_unknown(path, f"{where}, min", budget.min, FIGURES)
    directed = [key for key, column in FIGURES.items() if column.better]
    _refuse_unknown(path, f"{where}, max_worsening", budget.max_worsening, directed)
    return budget


def _refuse_unknown(path: Path, where: str, found: dict[str, Any], known: Sequence[str] | dict[str, Any]) -> None:
    for key in found:
        if key not in known:
            raise ConfigError(str(path), f"{where}: unknown key '{key}'", accepted=nearest(key, known))


def breaches(budgets: Sequence[Budget], new: Results, old: Results | None = None) -> tuple[Breach, ...]:
    """Every budget that `new` breaks.

    A budget is broken, too, if no row fits it, if a row that fits did not run or has wrong outputs, if a board that it
    speaks of failed, and if the figure is unknown: what nobody measured is not within a budget.
    """
    before = {row.key: row for row in old.rows} if old else {}
    return tuple(breach for budget in budgets for breach in _of_budget(budget, new, before))


def _of_budget(budget: Budget, new: Results, before: dict[Any, Row]) -> Iterator[Breach]:
    rows = [row for row in new.rows if budget.fits(row)]
    failed = [device for device in new.devices if device.failure and budget.speaks_of(device)]
    for device in failed:
        yield Breach(str(budget), None, None, f"board {device.name} failed: {device.failure}")
    if not rows and not failed:
        yield Breach(str(budget), None, None, "no row fits")
    for row in rows:
        if row.failure:
            yield Breach(str(budget), row.name, None, f"did not run: {row.failure}")
        elif row.outputs == "wrong":
            yield Breach(str(budget), row.name, None, f"wrong outputs: {row.reason}")
        else:
            yield from _of_row(budget, row, before.get(row.key))


def _of_row(budget: Budget, row: Row, old: Row | None) -> Iterator[Breach]:
    star = f"; disturbed: {disturbance(row)}" if row.disturbed else ""
    for limits, sign, word in ((budget.max, 1, "at most"), (budget.min, -1, "at least")):
        for figure, limit in limits.items():
            value = FIGURES[figure].value(row)
            if not isinstance(value, (int, float)):
                yield Breach(str(budget), row.name, figure, f"{figure} is unknown, allowed {word} {limit:g}")
            elif sign * (value - limit) > 0:
                noted = star if figure in TIMES else ""
                off = f" ({value / limit - 1:+.1%})" if limit else ""
                yield Breach(
                    str(budget), row.name, figure, f"{figure} is {value:.6g}, allowed {word} {limit:g}{off}{noted}"
                )
    if old is not None and old.how == row.how:
        yield from _worsened(budget, row, old)


def _worsened(budget: Budget, row: Row, old: Row) -> Iterator[Breach]:
    for figure, limit in budget.max_worsening.items():
        column = FIGURES[figure]
        was, now = column.value(old), column.value(row)
        if not isinstance(was, (int, float)):
            continue
        if not isinstance(now, (int, float)):
            yield Breach(str(budget), row.name, figure, f"{figure} was {was:.6g} and is unknown now")
            continue
        worse = (now - was) if column.better == "lower" else (was - now)
        if worse > limit * abs(was):
            what = f"{figure} went from {was:.6g} to {now:.6g}, allowed {limit:.1%} worse"
            yield Breach(str(budget), row.name, figure, what)
