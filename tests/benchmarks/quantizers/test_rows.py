"""The rows: each its own folder, a road that is there, the words of its command line."""

from __future__ import annotations

from pathlib import Path

from sepia.quantize.recipes import LADDER, RECIPES, recipe

from benchmarks.contestants import ROADS
from benchmarks.quantizers.rows import FLOAT, PER_TENSOR, QUANTIZERS, by_photos

ALL = {row.name: row for row in (*QUANTIZERS, *PER_TENSOR, *(row for _, rows in by_photos() for row in rows))}


def test_rows_of_one_name_are_one_row() -> None:
    rows = [*QUANTIZERS, *PER_TENSOR, *(row for _, rows in by_photos() for row in rows)]
    assert all(ALL[row.name] == row for row in rows)
    assert QUANTIZERS[0] is FLOAT


def test_every_road_is_there_and_its_environment_pinned() -> None:
    for row in ALL.values():
        assert (ROADS / row.script).is_file(), row
        assert row.installable, row


def test_which_rungs_are_in_which_table() -> None:
    ours = [row for row in QUANTIZERS if row.name.startswith("sepia-")]
    assert [row.method for row in ours if not row.but] == ["minmax", *LADDER]
    assert [(row.method, row.but) for row in ours if row.but] == [("default", (("rounding", "adaround"),))]
    assert [row.method for row in PER_TENSOR if row.name.startswith("sepia-")] == ["minmax", *LADDER[:-1]]
    assert {name for name, _ in by_photos()} < set(LADDER)


def test_words_for_the_road(tmp_path: Path) -> None:
    calibration, out = Path("c.npy"), tmp_path / "out"
    entropy = ALL["quantize_static-entropy"].arguments(calibration, out, None)
    assert entropy == ["--calibration", "c.npy", "--out", str(out), "--method", "entropy", "--limit", "64"]
    wheel = ALL["sepia-fast-scikit-images"].arguments(calibration, out, Path("f.onnx"))
    assert wheel[:2] == ["--calibration", "built-in"] and wheel[-2:] == ["--float-onnx", "f.onnx"]


def test_a_recipe_of_one_scale_a_layer_is_the_built_in_one_but_for_that(tmp_path: Path) -> None:
    for name in LADDER[:-1]:
        words = ALL[f"sepia-{name}-per-tensor"].arguments(Path("c.npy"), tmp_path / name, None)
        found = recipe(words[words.index("--method") + 1])
        assert found.weights == "per-tensor"
        assert found.model_dump() | {"name": name, "weights": "per-channel"} == RECIPES[name].model_dump()
