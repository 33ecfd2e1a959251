"""The zoo's table from rows that are made up."""

from __future__ import annotations

from pathlib import Path

from benchmarks.zoo.carried import Carried, Int8
from benchmarks.zoo.page import page


def rows() -> list[Carried]:
    whole = Carried("one", "classification", float_error={"onnxruntime": 1.25e-6, "litert": 3e-6})
    whole.int8 = {
        "onnxruntime": Int8(12, 1.0, 0, True, rms=0.0123, in_float={"HardSwish: no int8 kernel": 2}),
        "litert": Int8(12, 0.9375, 2, False, {"pool": "93.75 % of the codes are equal, 99.9 % are wanted"}, rms=0.02),
    }
    part = Carried("two", "video", {"tflite": "rank 5"}, {"openvino": 2e-7}, missing={"tflite-runtime": "no wheel"})
    part.int8 = {"openvino": Int8(3, 1.0, 0, True, failure="saturates")}
    part.int8["onnxruntime"] = Int8(3, 1.0, 0, True, rms=0.5, in_float={"HardSwish: no int8 kernel": 1})
    return [whole, part]


def test_a_row_a_runtime_and_what_stands_under_it(golden) -> None:
    golden("page.md", page(rows(), {"processor": "one", "cores": "2"}, "python -m benchmarks.zoo"))


def test_rows_are_kept_as_they_were(tmp_path: Path) -> None:
    for row in rows():
        row.write(tmp_path / "row.json")
        assert Carried.read(tmp_path / "row.json") == row
