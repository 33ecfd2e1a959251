"""Which order of axes each value gets, decided once over the whole graph.

ONNX keeps channels second ([N, C, H, W]); TFLite's convolutions and pools read and write them last ([N, H, W, C]). A
layout is a permutation `perm`: axis i of the TFLite tensor is axis perm[i] of the ONNX value.

1. Convolutions, pools and resizes ask for channels last on what they read and write, graph inputs and outputs of rank 4
   too.
2. Ops that do not care (Add, Clip, Concat, Softmax, …) want one layout on all they touch: those values form a class
   (union-find), and one asker decides for its whole class.
3. A class that nobody asks for stays as ONNX has it.

Where two layouts still meet, at a Reshape of a [N, C, H, W] with H·W > 1 for example, the writer puts the one transpose
that the meaning needs; where the axes that move have size 1, that is a RESHAPE and costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import onnx_ir as ir

from .program import Shape
from .site import dims

__all__ = ["Layout", "Perm", "Touch", "as_is", "assign", "channels_last", "compose", "moves_data", "permuted", "undo"]

Perm = tuple[int, ...]
Layout = Literal["channels last", "any", "free"]
"""What a row of the op table asks for: channels last; one layout, whichever; nothing (it copes with all)."""

_T = TypeVar("_T")


def as_is(rank: int) -> Perm:
    return tuple(range(rank))


def channels_last(rank: int) -> Perm:
    """[N, C, H, W] → [N, H, W, C], likewise for ranks 3 and 5."""
    return (0, *range(2, rank), 1)


def permuted(values: Sequence[_T], perm: Perm) -> tuple[_T, ...]:
    """Per-axis values in ONNX's order → in TFLite's."""
    return tuple(values[axis] for axis in perm)


def undo(perm: Perm) -> Perm:
    """TFLite axis of each ONNX axis."""
    return tuple(perm.index(axis) for axis in range(len(perm)))


def compose(held: Perm, wanted: Perm) -> Perm:
    """What TRANSPOSE takes to carry a tensor in layout `held` to layout `wanted`."""
    return tuple(held.index(axis) for axis in wanted)


def moves_data(shape: Shape, perm: Perm) -> bool:
    """Whether transposing `shape` by `perm` reorders anything: not so if all axes longer than 1 keep their order."""
    long = [axis for axis in perm if shape[axis] != 1]
    return long != sorted(long)


@dataclass(frozen=True)
class Touch:
    """What one op asks for: of which values (its data in and out), constants left out."""

    layout: Layout
    values: tuple[ir.Value, ...]


def assign(touches: Iterable[Touch], edges: Iterable[ir.Value]) -> dict[str, Perm]:
    """Layout of every value that somebody touches, by name. edges: the graph's inputs and outputs."""
    classes = _Classes()
    for touch in touches:
        if touch.layout == "any":
            _join_by_rank(classes, touch.values)
        elif touch.layout == "channels last":
            for value in touch.values:
                if len(dims(value)) >= 3:
                    classes.ask(_name(value))
        for value in touch.values:
            classes.ranks[_name(value)] = len(dims(value))
    for value in edges:
        classes.ranks[_name(value)] = len(dims(value))
        if len(dims(value)) == 4:
            classes.ask(_name(value))
    return {
        name: channels_last(rank) if rank >= 3 and classes.asked(name) else as_is(rank)
        for name, rank in classes.ranks.items()
    }


def _join_by_rank(classes: _Classes, values: Sequence[ir.Value]) -> None:
    first: dict[int, str] = {}
    for value in values:
        rank = len(dims(value))
        classes.join(first.setdefault(rank, _name(value)), _name(value))


def _name(value: ir.Value) -> str:
    return value.name or ""


class _Classes:
    """Union-find over value names, each class with a flag: somebody wants channels last."""

    def __init__(self) -> None:
        self.ranks: dict[str, int] = {}
        self._parent: dict[str, str] = {}
        self._asked: set[str] = set()

    def root(self, name: str) -> str:
        while (parent := self._parent.setdefault(name, name)) != name:
            self._parent[name] = self._parent[parent]
            name = parent
        return name

    def join(self, one: str, other: str) -> None:
        first, second = self.root(one), self.root(other)
        self._parent[second] = first
        if second in self._asked:
            self._asked.add(first)

    def ask(self, name: str) -> None:
        self._asked.add(self.root(name))

    def asked(self, name: str) -> bool:
        return self.root(name) in self._asked
