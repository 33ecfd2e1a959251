"""The op table: one row for each way an ONNX op becomes a call of a kernel, with the conditions under which it does.

As in `onnx_to_tflite/rows.py`: the check of a whole graph, the lowering and the table in the docs read the same rows.
There is no float inside: what a row takes in and gives out is held as codes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ...errors import Refusal
from ...graph.kinds import Kind
from ..onnx_to_tflite.rows import Condition, Near, broken_condition, choose_among, op_name, wrong_shape
from ..onnx_to_tflite.site import Site
from .listing import Listing

__all__ = ["ROWS", "Row", "choose", "lowers", "support_table"]

Lowering = Callable[[Site, Listing], None]


@dataclass(frozen=True)
class Row:
    """becomes: kernels, for the docs. kinds, ranks: of the node and its first input; empty takes any. data: how many
    inputs hold data (None: all). fuses: a Relu or Clip behind it becomes bounds of its codes."""

    op: str
    becomes: str
    lower: Lowering
    kinds: frozenset[Kind] = frozenset()
    ranks: frozenset[int] = frozenset()
    data: int | None = None
    conditions: tuple[Condition, ...] = ()
    fuses: bool = False


ROWS: dict[str, list[Row]] = {}


def lowers(
    *ops: str,
    becomes: str,
    kinds: Collection[Kind] = (),
    ranks: Collection[int] = (),
    data: int | None = None,
    conditions: Collection[Condition] = (),
    fuses: bool = False,
) -> Callable[[Lowering], Lowering]:
    """Put the decorated function into the table, once for each of `ops`; rows of one op are tried in order."""

    def register(lower: Lowering) -> Lowering:
        for op in ops:
            row = Row(op, becomes, lower, frozenset(kinds), frozenset(ranks), data, tuple(conditions), fuses)
            ROWS.setdefault(op, []).append(row)
        return lower

    return register


def choose(site: Site) -> Row | Refusal:
    """The first row that takes `site`, or why none does: the refusal of the row that came nearest."""
    return choose_among(ROWS, site, _refusal, "the C program has no kernel for it")


def _refusal(site: Site, row: Row) -> Near | None:
    return wrong_shape(site, row) or _float(site, row) or broken_condition(site, row)


def _float(site: Site, row: Row) -> Near | None:
    """The first value that is not held as codes of 8 bits, one scale for all of it (weights may have more)."""
    read = [value for value in site.node.inputs[: row.data] if value is not None]
    for value in (*read, *site.outputs):
        params = site.params(value)
        if params is None:
            hint = "quantise it too: a QuantizeLinear behind every layer"
            return 2, Refusal(
                site.name, op_name(site), f"'{value.name}' is float; the C program computes on codes", hint
            )
        if params.per_channel and value.const_value is None:
            hint = "quantise activations per tensor"
            return 2, Refusal(site.name, op_name(site), f"'{value.name}' has scales per channel", hint)
    return None


def support_table() -> list[dict[str, str]]:
    """Rows for the docs: keys "op", "kind", "rank", "becomes", "conditions"; in order of the op's name."""
    return [
        {
            "op": row.op,
            "kind": ", ".join(sorted(row.kinds)) or "any",
            "rank": ", ".join(str(rank) for rank in sorted(row.ranks)) or "any",
            "becomes": row.becomes,
            "conditions": "; ".join(condition.text for condition in row.conditions),
        }
        for op in sorted(ROWS)
        for row in ROWS[op]
    ]
