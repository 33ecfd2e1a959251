"""The table of what can be drawn: a family of nodes, what it asks of the value that it reads, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .draft import Draft, Value

__all__ = ["FAMILIES", "Family", "draws", "ranks"]

Drawing = Callable[[Draft, Value], "list[Value]"]


@dataclass(frozen=True)
class Family:
    """name: for statistics. fits: whether it can follow a value. draw: adds nodes; returns what others may read.

    weight: how often it is drawn, beside the others.
    """

    name: str
    fits: Callable[[Draft, Value], bool]
    draw: Drawing
    weight: int


FAMILIES: list[Family] = []


def draws(
    fits: Callable[[Draft, Value], bool] = lambda draft, value: True, weight: int = 1
) -> Callable[[Drawing], Drawing]:
    """Put the decorated function into the table."""

    def register(draw: Drawing) -> Drawing:
        FAMILIES.append(Family(draw.__name__, fits, draw, weight))
        return draw

    return register


def ranks(*accepted: int) -> Callable[[Draft, Value], bool]:
    return lambda draft, value: value.rank in accepted
