"""The columns that every table of rows draws on: name, title, unit, how it is written, and which way is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, log10
from typing import Literal

from .fact import How
from .row import INSTRUCTION_KINDS, InstructionKind, Row

__all__ = ["COLUMNS", "FIGURES", "KINDS", "UNKNOWN", "Column", "in_megabytes", "in_millions", "significant"]

UNKNOWN = "—"
"""How an unknown figure is written where people read."""

Better = Literal["lower", "higher"]


def significant(value: float, digits: int = 3) -> str:
    """`value` with so many significant digits, never in exponents: 0.0123, 4.50, 14.3, 1230."""
    if value == 0:
        return "0"
    decimals = digits - 1 - floor(log10(abs(value)))
    return f"{round(value, decimals):.{max(decimals, 0)}f}"


def in_megabytes(value: float) -> str:
    """Bytes in MiB, three significant digits."""
    return significant(value / 2**20)


def in_millions(value: float) -> str:
    """In millions with one decimal, below a million two significant digits: counts of instructions are exact."""
    return f"{value / 1e6:,.1f}" if value >= 1e6 else significant(value / 1e6, 2)


def _fraction(value: float) -> str:
    return f"{value:.3f}"


def _error(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 or value == 0 else f"{value:.1e}"


def _whole(value: float) -> str:
    return f"{value:,.0f}"


_ANYHOW: tuple[How, ...] = ("measured", "emulated", "predicted")
_NOT_EMULATED: tuple[How, ...] = ("measured", "predicted")


@dataclass(frozen=True)
class Column:
    """One column. key: the attribute of `Row`, and the name in CSV, budgets and comparisons.

    unit: of the written text, "" for none. write: number → text; None for words. better: which way a figure should
    move, None where neither. about: a sentence for those who hover. hows: the ways in which the figure can be had;
    none: words, and facts of the file. kind: of instruction, for the share of that kind in a row's instructions.
    """

    key: str
    title: str
    unit: str = ""
    write: Callable[[float], str] | None = None
    better: Better | None = None
    about: str = ""
    hows: tuple[How, ...] = ()
    kind: InstructionKind | None = None

    @property
    def heading(self) -> str:
        return f"{self.title} [{self.unit}]" if self.unit else self.title

    def value(self, row: Row) -> float | str | None:
        """What `row` says; the number of float layers for those. None: unknown."""
        if self.kind is not None:
            return None if row.instructions_by_kind is None else row.instructions_by_kind.get(self.kind, 0)
        found = getattr(row, self.key)
        if isinstance(found, tuple):
            return len(found)
        return found if found is None or isinstance(found, (int, float, str)) else str(found)

    def text(self, row: Row) -> str:
        """The value as people read it: ≈ before a predicted figure, a dash for an unknown one."""
        value = self.value(row)
        if value is None:
            return UNKNOWN
        if self.write is None or isinstance(value, str):
            return str(value)
        text = self.write(value)
        return f"≈ {text}" if row.how == "predicted" and self.key in _ESTIMATES else text


KINDS = tuple(
    Column(f"instructions_{kind}", f"{kind} instructions", "M", in_millions, None, "", _ANYHOW, kind)
    for kind in INSTRUCTION_KINDS
)
"""Instructions of one inference by kind; together they are the instructions."""

COLUMNS = (
    Column("model", "model"),
    Column("precision", "precision"),
    Column("format", "format"),
    Column("recipe", "recipe", about="Quantisation recipe"),
    Column("runtime", "runtime"),
    Column("runtime_version", "version", about="Version of the runtime"),
    Column("target", "target", about="board-os-runtime-threads"),
    Column("how", "how", about="measured on that hardware, emulated (no time), or predicted by a model"),
    Column("outputs", "outputs", about="Whether the outputs match the golden ones"),
    Column("top1", "top-1", "", _fraction, "higher", "Share of images whose first class is right", _ANYHOW),
    Column(
        "top5", "top-5", "", _fraction, "higher", "Share of images with the right class among the first five", _ANYHOW
    ),
    Column(
        "agreement", "agreement", "", _fraction, "higher", "Share of images with the float model's first class", _ANYHOW
    ),
    Column("rms", "rms error", "", _error, "lower", "Root mean square error of the logits against float", _ANYHOW),
    Column("images", "images", "", _whole, None, "How many images accuracy is over"),
    Column("latency_ms", "p50", "ms", significant, "lower", "Median latency of one inference", _NOT_EMULATED),
    Column("latency_p90_ms", "p90", "ms", significant, "lower", "Nine of ten inferences take no longer", _NOT_EMULATED),
    Column("latency_p99_ms", "p99", "ms", significant, "lower", "99 of 100 inferences take no longer", _NOT_EMULATED),
    Column("latency_min_ms", "min", "ms", significant, "lower", "The quickest inference", _NOT_EMULATED),
    Column("latency_mean_ms", "mean", "ms", significant, "lower", "Mean latency", _NOT_EMULATED),
    Column("load_ms", "load", "ms", significant, "lower", "Opening the file until ready to run", _NOT_EMULATED),
    Column("first_ms", "first", "ms", significant, "lower", "The first inference after loading", _NOT_EMULATED),
    Column("instructions", "instructions", "M", in_millions, "lower", "Instructions of one inference", _ANYHOW),
    Column(
        "peak_rss_bytes",
        "peak RSS",
        "MiB",
        in_megabytes,
        "lower",
        "Greatest resident memory of the process",
        _NOT_EMULATED,
    ),
    Column("arena_bytes", "arena", "MiB", in_megabytes, "lower", "The runtime's own buffer for activations", _ANYHOW),
    Column("file_bytes", "file", "MiB", in_megabytes, "lower", "Size on disk"),
    Column("int8_layers", "int8 layers", "", _whole, "higher", "Layers that ran in int8", _ANYHOW),
    Column("float_layers", "float layers", "", _whole, "lower", "Layers of an int8 file that ran in float", _ANYHOW),
)
"""In the order in which tables show them."""

FIGURES = {column.key: column for column in (*COLUMNS, *KINDS) if column.write is not None}
"""The columns that hold numbers, by key: what comparisons and budgets may speak of."""

_ESTIMATES = frozenset(FIGURES) - {"images", "file_bytes"}
