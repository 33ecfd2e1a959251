"""What `sepia quantize --curve` prints of what it measured."""

from __future__ import annotations

from sepia.pipeline.curve_files import CurveRow, CurveTable, Measured


def row(layers: tuple[str, ...], *disturbed: str) -> CurveRow:
    file = Measured("onnx", "onnxruntime", 1000, 1.25, disturbed)
    return CurveRow(layers, 5.0, 4.0, {"y": 0.1}, {"y": 0.99}, 0.1, 1000, (file,))


def table(*rows: CurveRow) -> str:
    return CurveTable("fast", "macs", 10, {"a": {"alone": 1.0, "rest": 2.0}}, rows).to_text()


def test_what_disturbed_is_told_once_with_its_least_and_greatest() -> None:
    text = table(
        row((), "other processes used 1.97 of a core"),
        row(("a",), "other processes used 0.5 of a core", "its clock was held back"),
        row(("a", "b"), "other processes used 1.00 of a core"),
    )
    told = [line for line in text.splitlines() if line.startswith("* ")]
    assert told == ["* disturbed: its clock was held back, other processes used 0.5 to 1.97 of a core"]
    assert text.count("1.25 ms*") == 3


def test_one_number_is_told_as_it_is_and_quiet_runs_have_no_star() -> None:
    assert "* disturbed: used 0.50 of a core" in table(
        row((), "used 0.50 of a core"), row(("a",), "used 0.50 of a core")
    )
    quiet = table(row(()), row(("a",)))
    assert "*" not in quiet
