"""Graph number n of a seed: each drawn by a hypothesis run of its own.

In one long run hypothesis repeats and mutates what it has drawn (79 structures in 300 graphs); of a run of two examples
the first is the simplest graph, always, and the second is new. So every number is a graph of its own, whatever became
of the others, and can be drawn again, alone, and shrunk.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings

from .draft import Drawn
from .graphs import drawn_graphs

__all__ = ["draw_graph", "shrink"]

_STRIDE = 10_000_019
"""Keeps the numbers of one seed apart from those of the next."""


def draw_graph(of: int, number: int) -> Drawn:
    """Graph `number` of the seed `of`: a float graph where it is even, one of codes where it is odd."""
    found: list[Drawn] = []
    _run(of, number, found.append, shrinks=False)
    return found[-1]


class _Fails(Exception):
    pass


def shrink(of: int, number: int, fails: Callable[[Drawn], bool]) -> Drawn:
    """The smallest graph that hypothesis comes to from graph `number` for which `fails` still holds."""
    last: list[Drawn] = []

    def judge(drawn: Drawn) -> None:
        if fails(drawn):
            last.append(drawn)
            raise _Fails

    # Hypothesis gives its smallest one last.
    with contextlib.suppress(_Fails):
        _run(of, number, judge, shrinks=True)
    return last[-1] if last else draw_graph(of, number)


def _run(of: int, number: int, judge: Callable[[Drawn], None], *, shrinks: bool) -> None:
    phases = [Phase.generate, Phase.shrink] if shrinks else [Phase.generate]

    @seed(of * _STRIDE + number)
    @settings(
        max_examples=2,
        database=None,
        deadline=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    @given(drawn_graphs(number % 2 == 1))
    def run(drawn: Drawn) -> None:
        judge(drawn)

    run()
