"""`--recipe auto` on a small network: one split, the file that was judged, what becomes of a goal that is missed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sepia.errors import OutputError, QuantizeError
from sepia.graph.load import load_graph
from sepia.inputs.calibration import CalibrationData, Sample
from sepia.quantize.auto import quantize_auto
from sepia.quantize.held_back import split
from sepia.quantize.loss import measure_loss
from sepia.quantize.quantize import quantize
from sepia.quantize.recipes import LADDER, RECIPES, Recipe
from support.graphs import run_graph, tiny_separable
from support.quantising import normal_data

SHAPES = {"image": (1, 3, 16, 16)}
POOR = Recipe(name="poor", ranges="percentile", percentile=75, bias_correction="none")
GOOD = Recipe(name="good", ranges="mse")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "float.onnx"
    path.write_bytes(tiny_separable().SerializeToString())
    return path


def auto(source: Path, data: CalibrationData, max_loss: float, **rest: Any) -> Any:
    rest = {"ladder": (POOR, GOOD)} | rest
    return quantize_auto(source, source.with_name("int8.onnx"), data, max_loss=max_loss, **rest)


def test_the_file_is_the_one_that_was_judged(source: Path) -> None:
    data = normal_data(SHAPES, 20)
    seen, held = split(data, 0.2)
    alone = source.with_name("alone.onnx")
    quantize(source, alone, seen, GOOD)
    worth = measure_loss(load_graph(source), load_graph(alone), held, where="here")

    found = auto(source, data, 100 * worth.relative + 0.01)
    assert source.with_name("int8.onnx").read_bytes() == alone.read_bytes()
    assert [rung.recipe for rung in found.climb.rungs] == ["poor", "good"]
    assert (found.climb.chosen, found.climb.reached) == ("good", True)
    assert found.climb.kept.loss == pytest.approx(100 * worth.relative)
    assert (found.recipe, found.settings["name"], found.calibration.count) == ("auto", "good", 20)
    assert (found.climb.kept.seen.samples, found.climb.kept.held_back.samples) == (16, 4)
    assert found.seconds == pytest.approx(sum(rung.seconds for rung in found.climb.rungs))


def test_no_rung_above_the_first_that_does_is_tried(source: Path) -> None:
    told: list[str] = []
    found = auto(source, normal_data(SHAPES), 1000, progress=lambda what, done, total: told.append(what))
    assert [rung.recipe for rung in found.climb.rungs] == ["poor"]
    assert set(told) == {"poor: calibrate"}


def test_a_missed_goal_writes_the_best(source: Path) -> None:
    found = auto(source, normal_data(SHAPES, 20), 0, ladder=(GOOD, POOR))
    assert (found.climb.chosen, found.climb.reached) == ("good", False)
    assert load_graph(source.with_name("int8.onnx"))
    kept = json.loads(json.dumps(found.to_json()))["climb"]
    assert [rung["recipe"] for rung in kept["rungs"]] == ["good", "poor"]
    assert kept["rungs"][1]["held_back"]["samples"] == 4
    assert "kept: good, the best, and not good enough" in found.to_text()


def test_labels_count_right_answers_of_samples_held_back(source: Path) -> None:
    plain = normal_data(SHAPES, 20)
    answers = [int(next(iter(run_graph(load_graph(source), x).values())).argmax()) for x in plain]
    # The float network is right but for one of those held back (2, 7, 12, 17) and one of those seen.
    labels = [(answer + 1) % 5 if index in (7, 8) else answer for index, answer in enumerate(answers)]
    found = auto(source, replace(plain, labels=tuple(labels)), 100)
    (rung,) = found.climb.rungs
    assert found.climb.unit == "points of top-1"
    assert rung.held_back.top1["float"] == 0.75
    assert rung.seen.top1["float"] == 15 / 16
    assert rung.loss == pytest.approx(100 * (0.75 - rung.held_back.top1["int8"]))


def test_one_photo_cannot_judge(source: Path) -> None:
    with pytest.raises(QuantizeError, match=r"nothing can be held back.*two photos or more"):
        auto(source, normal_data(SHAPES, 1), 5)
    views = replace(normal_data(SHAPES, 6), photo_of=(3,) * 6)
    with pytest.raises(QuantizeError, match="nothing can be held back"):
        auto(source, views, 5)


def test_a_place_that_cannot_be_written_is_told_before_the_work(source: Path) -> None:
    def samples() -> Iterator[Sample]:
        raise AssertionError("work was begun")

    data = CalibrationData("none", False, 8, samples)
    with pytest.raises(OutputError):
        quantize_auto(source, source.parent, data, max_loss=5, ladder=(POOR,))


def test_a_few_samples_are_learned_and_it_is_said(source: Path) -> None:
    # Ranges of one sample, of small values; those held back are ten times as large and are clipped.
    rng = np.random.default_rng(0)
    small, large = (rng.normal(0, size, SHAPES["image"]).astype(np.float32) for size in (0.3, 3.0))
    data = CalibrationData("few", False, 2, lambda: iter([{"image": small}, {"image": large}]))
    assert next(iter(split(data, 0.2)[0]))["image"] is small
    found = auto(source, data, 0, ladder=(RECIPES["minmax"],))
    assert found.climb.rungs[0].learned
    assert "minmax fits the samples that it saw" in found.to_text()


def test_the_ladder_is_of_built_in_recipes_each_once() -> None:
    assert len(set(LADDER)) == len(LADDER) > 1
    assert all(RECIPES[name].name == name for name in LADDER)
    assert LADDER[0] == "fast"
