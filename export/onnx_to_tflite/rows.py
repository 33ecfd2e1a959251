"""The op table: one row for each way an ONNX op can become TFLite operators, with the conditions under which it does.

A row is written above the function that lowers it, `@lowers("Conv", kinds={Kind.DEPTHWISE}, ranks={4}, …)`. The check
of a whole graph, the lowering and the table in the docs all read the same rows, so none can promise what another
refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ...errors import Refusal
from ...graph.kinds import Kind
from .alternatives import SEE_THE_LIST, instead_of
from .layout import Layout
from .site import Site, dims
from .writer import Writer

__all__ = [
    "ROWS",
    "Condition",
    "Near",
    "Row",
    "broken_condition",
    "choose",
    "choose_among",
    "lowers",
    "op_name",
    "support_table",
    "wrong_shape",
]

Lowering = Callable[[Site, Writer], None]


@dataclass(frozen=True)
class Condition:
    """text: what must be so, as the docs say it. holds: whether it is. hint: what a user can do where it is not."""

    text: str
    holds: Callable[[Site], bool]
    hint: str = ""


Near = tuple[int, Refusal]
"""How near a row came to taking a site, and why it does not: a condition tells more than a rank, a rank than a kind."""


class Shaped(Protocol):
    """What the rows of every format have."""

    @property
    def becomes(self) -> str: ...

    @property
    def kinds(self) -> frozenset[Kind]: ...

    @property
    def ranks(self) -> frozenset[int]: ...

    @property
    def conditions(self) -> tuple[Condition, ...]: ...


AnyRow = TypeVar("AnyRow", bound=Shaped)


@dataclass(frozen=True)
class Row:
    """One way to lower an op.

    becomes: TFLite operators, for the docs. kinds, ranks: of the node and its first input; empty takes any. data: how
    many inputs hold data (the rest are settings: bounds, sizes, axes). int8: None runs in float between DEQUANTIZE and
    QUANTIZE; a condition runs in int8 where it holds. fuses: a Relu or Clip behind it becomes part of it.
    """

    op: str
    becomes: str
    lower: Lowering
    layout: Layout
    kinds: frozenset[Kind] = frozenset()
    ranks: frozenset[int] = frozenset()
    data: int | None = None
    conditions: tuple[Condition, ...] = ()
    int8: tuple[Condition, ...] | None = ()
    fuses: bool = False

    def runs_in_int8(self, site: Site) -> bool:
        """All its data are codes, and the int8 kernel can say what it says."""
        return (
            self.int8 is not None
            and site.all_quantized(self.data)
            and all(condition.holds(site) for condition in self.int8)
        )

    def why_float(self, site: Site) -> str:
        """What keeps a site whose data are all codes from running in int8; "" where nothing does, or no codes are."""
        if not site.all_quantized(self.data) or self.runs_in_int8(site):
            return ""
        broken = [condition.text for condition in self.int8 or () if not condition.holds(site)]
        return f"int8 {self.becomes} needs {broken[0]}" if broken else f"{self.becomes} is written in float on purpose"


ROWS: dict[str, list[Row]] = {}


def lowers(
    *ops: str,
    becomes: str,
    layout: Layout = "any",
    kinds: Collection[Kind] = (),
    ranks: Collection[int] = (),
    data: int | None = None,
    conditions: Collection[Condition] = (),
    int8: Collection[Condition] | None = (),
    fuses: bool = False,
) -> Callable[[Lowering], Lowering]:
    """Put the decorated function into the table, once for each of `ops`; rows of one op are tried in order."""

    def register(lower: Lowering) -> Lowering:
        for op in ops:
            row = Row(
                op, becomes, lower, layout, frozenset(kinds), frozenset(ranks), data, tuple(conditions),
                None if int8 is None else tuple(int8), fuses,
            )  # fmt: skip
            ROWS.setdefault(op, []).append(row)
        return lower

    return register


def choose(site: Site) -> Row | Refusal:
    """The first row that takes `site`, or why none does."""
    node = site.node
    unknown = [value.name for value in (*node.inputs, *node.outputs) if value is not None and value.shape is None]
    if unknown and _rows_for(site, ROWS):
        return Refusal(
            site.name, op_name(site), f"the shape of '{unknown[0]}' is not known", "export with fixed shapes"
        )
    return choose_among(ROWS, site, _refusal, "TFLite has no operator for it here", instead_of(node.op_type))


def choose_among(
    table: Mapping[str, Sequence[AnyRow]],
    site: Site,
    refuses: Callable[[Site, AnyRow], Near | None],
    nothing: str,
    instead: str = SEE_THE_LIST,
) -> AnyRow | Refusal:
    """The first row of `table` that takes `site`, or the refusal of the row that came nearest.

    refuses: why a row does not take it, and how near it came. nothing, instead: why, and what then, where there is no
    row.
    """
    rows = _rows_for(site, table)
    if not rows:
        return Refusal(site.name, op_name(site), nothing, instead)
    refusals = []
    for row in rows:
        found = refuses(site, row)
        if found is None:
            return row
        refusals.append(found)
    return max(refusals, key=lambda found: found[0])[1]


def _rows_for(site: Site, table: Mapping[str, Sequence[AnyRow]]) -> Sequence[AnyRow]:
    return table.get(site.node.op_type, ()) if site.node.domain in ("", "ai.onnx") else ()


def _refusal(site: Site, row: Row) -> Near | None:
    hint = "OpenVINO takes 3-D layers" if row.ranks and site.rank == 5 else ""
    return wrong_shape(site, row, hint) or broken_condition(site, row)


def wrong_shape(site: Site, row: Shaped, hint: str = "") -> Near | None:
    """Its kind or its rank is none that `row` takes. hint: where it is the rank."""
    if row.kinds and site.kind not in row.kinds:
        return 0, Refusal(site.name, op_name(site), f"{row.becomes} takes {', '.join(sorted(row.kinds))}")
    if row.ranks and site.rank not in row.ranks:
        ranks = " or ".join(str(rank) for rank in sorted(row.ranks))
        return 1, Refusal(site.name, op_name(site), f"{row.becomes} takes rank {ranks}", hint)
    return None


def broken_condition(site: Site, row: Shaped) -> Near | None:
    """The first that does not hold: nearer than any other refusal."""
    for condition in row.conditions:
        if not condition.holds(site):
            return 3, Refusal(site.name, op_name(site), f"{row.becomes} needs {condition.text}", condition.hint)
    return None


def op_name(site: Site) -> str:
    """As errors name it: "Conv, depthwise, rank 5"."""
    node = site.node
    parts = [f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type]
    if site.kind.convolution:
        parts.append(str(site.kind))
    if site.has_input(0) and site.input(0).shape is not None:
        parts.append(f"rank {len(dims(site.input(0)))}")
    return ", ".join(parts)


def support_table() -> list[dict[str, str]]:
    """Rows for the docs: keys "op", "kind", "rank", "becomes", "int8", "conditions"; in order of the op's name."""
    return [_documented(row) for op in sorted(ROWS) for row in ROWS[op]]


def _documented(row: Row) -> dict[str, str]:
    return {
        "op": row.op,
        "kind": ", ".join(sorted(row.kinds)) or "any",
        "rank": ", ".join(str(rank) for rank in sorted(row.ranks)) or "any",
        "becomes": row.becomes,
        "int8": "no, float" if row.int8 is None else "; ".join(_texts(row.int8)) or "yes",
        "conditions": "; ".join(_texts(row.conditions)),
    }


def _texts(conditions: Collection[Condition]) -> Iterator[str]:
    return (condition.text for condition in conditions)
