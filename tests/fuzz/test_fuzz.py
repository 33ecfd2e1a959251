"""Drawn graphs through every runtime: a few with each run of the tests, more with the slow ones.

`python -m tests.fuzz --graphs 10000` draws more.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.page import page
from fuzz.record import summary
from fuzz.run import run

QUICK, LONG = 7, 8
"""Seeds."""


def explained(seed: int, first: int, graphs: int, folder: Path) -> None:
    run(seed, first + graphs, 1, folder, first=first)
    found = summary(folder, first + graphs)
    assert found.graphs == graphs
    assert found.findings == {}, page(found, seed)
    assert len(found.distinct) > 0.95 * graphs
    for engine, codes in found.codes.items():
        # An interval that holds everything would explain everything.
        assert found.pinned[engine] > 0.97 * codes, engine


@pytest.mark.parametrize("part", range(2))
def test_no_difference_is_left_unexplained(part: int, tmp_path: Path) -> None:
    explained(QUICK, part * 100, 100, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(6))
def test_no_difference_is_left_unexplained_in_more(part: int, tmp_path: Path) -> None:
    explained(LONG, part * 250, 250, tmp_path)
