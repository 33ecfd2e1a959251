"""The report as files."""

from __future__ import annotations

from pathlib import Path

import pytest
from sepia.errors import InputError, OutputError
from sepia.report import load_results, write_report
from sepia.report.comma_separated import to_csv
from sepia.report.html import to_html
from sepia.report.markdown import to_markdown
from support.sample_results import sample


def test_four_files_and_the_same_results_in_each(tmp_path: Path) -> None:
    host = sample("lite0-host")
    paths = write_report([host], tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["report.html", "report.md", "report.csv", "report.json"]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    assert texts[:3] == [to_html(host), to_markdown(host), to_csv(host)]
    assert load_results(paths[3]) == host
    assert {path.name for path in paths[0].parent.iterdir()} == {path.name for path in paths}


def test_several_results_become_one(tmp_path: Path) -> None:
    write_report([sample("lite0-host"), sample("lite0-pi4")], tmp_path)
    assert len(load_results(tmp_path / "report.json").rows) == 12


def test_nothing_is_written_where_results_contradict(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        write_report([sample("lite0-host"), sample("lite0-host")], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError):
        write_report([sample("lite0-host")], tmp_path / "out")
