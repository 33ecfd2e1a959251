"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from sepia.report import Results
from sepia.report.columns import FIGURES
from sepia.report.markdown import to_markdown
from sepia.report.results import LayerError, LayerTime
from support.sample_results import make_row, sample


def test_board(golden: Callable[[str, str], None]) -> None:
    golden("report-pi4.md", to_markdown(sample("lite0-pi4")))


def test_boards(golden: Callable[[str, str], None]) -> None:
    golden("report-boards.md", to_markdown(sample("lite0-boards")))


def test_figures_are_those_of_the_columns() -> None:
    host = sample("lite0-host")
    text = to_markdown(host)
    for row in host.rows:
        line = next(
            line for line in text.splitlines() if f"| {row.target} |" in line and f"| {row.precision} |" in line
        )
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for key in ("top1", "agreement", "rms", "latency_ms", "latency_p99_ms", "peak_rss_bytes", "arena_bytes"):
            assert FIGURES[key].text(row) in cells, (row.name, key)


def test_wrong_outputs_stand_out_and_have_no_accuracy() -> None:
    text = to_markdown(sample("lite0-host"))
    assert "- **Wrong outputs:** efficientnet-lite0.openvino.int8.default" in text
    line = next(line for line in text.splitlines() if "| **wrong** |" in line)
    assert "| **wrong** | — | — | — | — |" in line


def test_every_line_of_a_table_has_as_many_cells_as_its_head() -> None:
    lines = to_markdown(sample("lite0-host")).splitlines()
    tables = [list(group) for is_row, group in groupby(lines, lambda line: line.startswith("|")) if is_row]
    # Rows, memory, parity, files, errors by layer, and the times by layer of four rows.
    assert len(tables) == 9
    for table in tables:
        assert {line.count(" | ") for line in table} == {table[0].count(" | ")}


def test_names_cannot_break_the_table() -> None:
    row = make_row(model="a|b <script>", layers=(LayerTime(layer="x|y", op="Conv", time_ms=1.0),))
    text = to_markdown(Results(rows=(row,)))
    assert "a\\|b &lt;script>" in text
    assert "x\\|y" in text
    assert "<script>" not in text


def test_errors_by_layer_are_listed() -> None:
    error = LayerError(model="tiny", runtime="litert", index=3, layer="dw", sqnr_db=31.25, max_lsb=2)
    assert "| 3 | dw | litert against float | 31.2 | — | 2.00 |" in to_markdown(Results(layer_errors=(error,)))
