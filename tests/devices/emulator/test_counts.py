from __future__ import annotations

from pathlib import Path

import pytest
from sepia.devices.emulator.counts import KINDS, Counts, fewest, read_counts
from sepia.errors import BoardError


def test_lines_are_intervals(tmp_path: Path) -> None:
    file = tmp_path / "counts.txt"
    file.write_text("3 1 2 3 4 5 6\n4 10 0 0 0 0 7\n")
    assert read_counts(file) == ((3, Counts(1, 2, 3, 4, 5, 6)), (4, Counts(10, 0, 0, 0, 0, 7)))
    assert [counts.total for _, counts in read_counts(file)] == [21, 17]
    assert list(Counts(1, 2, 3, 4, 5, 6).by_kind().items()) == list(zip(KINDS, range(1, 7), strict=True))


def test_no_file_is_no_interval(tmp_path: Path) -> None:
    assert read_counts(tmp_path / "none") == ()


@pytest.mark.parametrize("line", ["1 2 3", "0 1 2 3 4 5 x", "0 1 2 3 4 5 -6", "", "0 1 2 3 4 5 6 7"])
def test_other_lines_are_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "counts.txt"
    file.write_text(f"0 1 2 3 4 5 6\n{line}\n")
    with pytest.raises(BoardError, match=rf"counts.txt:2: '{line}' is no line of the counting plugin"):
        read_counts(file)


def test_the_fewest_is_by_total() -> None:
    least = Counts(9, 0, 0, 0, 0, 0)
    assert fewest([Counts(1, 9, 0, 0, 0, 0), least, Counts(0, 0, 0, 0, 0, 10)]) == least
