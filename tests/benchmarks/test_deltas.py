"""Each kind of change of a small network becomes a row, and the least change the least patch."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.model_folders import write_model_folder

from benchmarks.deltas import Row, main, markdown


def test_a_row_tells_sizes_and_times() -> None:
    (line,) = markdown(
        [Row("a change", "pi4-x-litert-t4", 50_000, 1_000_000, 900_000, 800_000, 1.25, 0.031)]
    ).splitlines()[2:]
    assert line == "| a change | pi4-x-litert-t4 | 50,000 | 5.0% | 1,000,000 | 900,000 | 800,000 | 1.2 | 0.03 |"


@pytest.mark.slow
def test_every_change_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_model_folder(tmp_path / "tiny")
    monkeypatch.setattr(sys, "argv", ["deltas", str(tmp_path / "tiny"), "--images", "4"])
    assert main() == 0
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if "litert" in line and line[0] == "|"]
    patches = {row[0].removeprefix("| "): int(row[2].replace(",", "")) for row in rows}
    assert len(patches) == 8
    assert min(patches, key=patches.__getitem__) == "nothing but the version"
    assert patches["all weights by 0.1 % of their spread"] < patches["all weights anew"]
