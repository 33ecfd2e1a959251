"""Drawn graphs through every runtime: some with each run of the tests, more with the slow ones.

Hundreds of numbers of one seed that `python -m tests.fuzz --graphs 10000` found explained; it draws the others, too.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.page import page
from fuzz.record import summary
from fuzz.run import run

SEED = 1
QUICK = (900, 1000)
LONG = (1300, 1700, 2100, 3100, 3300, 4300, 4500, 5100, 5400, 6300, 6700, 7200, 7500, 7700, 7800)
"""First numbers of hundreds."""


def explained(first: int, folder: Path) -> None:
    run(SEED, first + 100, 1, folder, first=first)
    found = summary(folder, first + 100)
    assert found.graphs == 100
    assert found.findings == {}, page(found, SEED)
    assert len(found.distinct) == 100
    for engine in ("onnxruntime plain", "litert xnnpack", "openvino"):
        # An interval that holds everything would explain everything. Each graph counts alike: of a single one with a
        # grid finer than float32 nothing may be pinned, however many codes it has.
        assert found.shares[engine] > 0.95 * found.coded[engine], engine


@pytest.mark.parametrize("first", QUICK)
def test_no_difference_is_left_unexplained(first: int, tmp_path: Path) -> None:
    explained(first, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("first", LONG)
def test_no_difference_is_left_unexplained_in_more(first: int, tmp_path: Path) -> None:
    explained(first, tmp_path)
