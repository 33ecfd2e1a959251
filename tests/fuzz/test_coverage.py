"""The fuzzer draws everything that the TFLite writer has a row for."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from sepia.errors import GraphError
from sepia.export.onnx_to_tflite.lower import plan
from sepia.export.onnx_to_tflite.rows import ROWS, Row
from sepia.export.onnx_to_tflite.translate import _read

from fuzz.families import FAMILIES
from fuzz.numbered import draw_graph


def rows_of(seed: int, numbers: range, folder: Path) -> set[tuple[str, str]]:
    found = set()
    for number in numbers:
        source = folder / "drawn.onnx"
        source.write_bytes(draw_graph(seed, number).model.SerializeToString())
        with contextlib.suppress(GraphError):  # shape inference has a fault of its own, see `exceptions.py`
            found |= {_name(planned.row) for planned in plan(_read(source))[0]}
    return found


def _name(row: Row) -> tuple[str, str]:
    return row.op, row.becomes


def test_every_row_of_the_op_table_is_drawn(tmp_path: Path) -> None:
    wanted = {_name(row) for rows in ROWS.values() for row in rows}
    drawn: set[tuple[str, str]] = set()
    for first in range(0, 1200, 60):
        drawn |= rows_of(5, range(first, first + 60), tmp_path)
        if wanted <= drawn:
            break
    missing = sorted(wanted - drawn)
    assert missing == [], "tests/fuzz/draw_*.py draws no graph for these rows: give them a family"


def test_families_have_names_of_their_own() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_a_number_is_always_the_same_graph(number: int) -> None:
    one, other = draw_graph(3, number), draw_graph(3, number)
    assert one.model.SerializeToString() == other.model.SerializeToString()
    assert draw_graph(4, number).model.SerializeToString() != one.model.SerializeToString()
