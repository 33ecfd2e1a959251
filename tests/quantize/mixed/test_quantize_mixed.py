"""The whole of `--mixed` on a small network: the file keeps to the goal, and its summary says so truly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from sepia.errors import QuantizeError
from sepia.inputs.calibration import CalibrationData
from sepia.quantize.held_back import split
from sepia.quantize.mixed.quantize_mixed import quantize_mixed
from sepia.quantize.recipes import Recipe
from support.graphs import run_graph, tiny_separable
from support.quantising import normal_data

RECIPE = Recipe(name="coarse", weights="per-tensor", ranges="minmax", bias_correction="none")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "float.onnx"
    path.write_bytes(tiny_separable().SerializeToString())
    return path


def data(count: int = 15) -> CalibrationData:
    return normal_data({"image": (1, 3, 16, 16)}, count)


def test_the_file_keeps_to_the_goal_on_samples_held_back(source: Path, tmp_path: Path) -> None:
    whole = quantize_mixed(source, tmp_path / "all.onnx", data(), RECIPE, max_loss=100)
    assert whole.mixed is not None
    assert (whole.mixed.float_layers, whole.left_float, whole.mixed.sets) == ((), (), 11)
    goal = 0.6 * whole.mixed.loss
    path = tmp_path / "mixed.onnx"
    found = quantize_mixed(source, path, data(), RECIPE, max_loss=goal)
    mixed = found.mixed
    assert mixed is not None
    assert mixed.reached
    _, held = split(data(), RECIPE.held_back)
    errors, rights = [], []
    for sample in held:
        (right,) = run_graph(onnx.load(str(source)), sample).values()
        (given,) = run_graph(onnx.load(str(path)), sample).values()
        errors.append(given.astype(np.float64) - right)
        rights.append(right.astype(np.float64))
    loss = 100 * float(np.sqrt(np.mean(np.square(errors))) / np.std(rights))
    assert mixed.loss == pytest.approx(loss, rel=0.1)
    assert mixed.loss <= goal
    assert 0 < len(mixed.float_layers) < 10
    assert set(mixed.float_layers) <= {row.node for row in found.left_float}
    assert found.settings["float_layers"] == mixed.float_layers
    assert 0 < mixed.cost_share < 1
    assert found.calibration.count == 15
    reasons = {row.node: row.reason for row in found.left_float}
    assert all("for the loss that was asked for" in reasons[layer] for layer in mixed.float_layers)
    again = quantize_mixed(source, tmp_path / "again.onnx", data(), RECIPE, max_loss=goal)
    assert (tmp_path / "again.onnx").read_bytes() == path.read_bytes()
    assert again.mixed == mixed


def test_what_it_says(source: Path, tmp_path: Path) -> None:
    found = quantize_mixed(source, tmp_path / "net.onnx", data(), RECIPE, max_loss=1.5, by="bytes")
    mixed = found.mixed
    assert mixed is not None
    text = found.to_text()
    assert "asked: a loss of at most 1.5 % of the output's spread; all layers in int8: " in text
    assert f"in float: {len(mixed.float_layers)} of 10 layers, {100 * mixed.cost_share:.1f} % of the bytes" in text
    assert f"{min(mixed.single, key=mixed.single.__getitem__)} " in text
    told = json.loads(json.dumps(found.to_json()))["mixed"]
    assert told["float_layers"] == list(mixed.float_layers)
    assert told["single"] == pytest.approx(dict(mixed.single))
    assert f"more than {mixed.max_loss:g}" in mixed.missed()


def test_a_goal_that_takes_every_layer_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(QuantizeError, match="only with every layer in float; accepted: more than that"):
        quantize_mixed(source, tmp_path / "net.onnx", data(), RECIPE, max_loss=1e-6)
    assert not (tmp_path / "net.onnx").exists()


def test_nothing_to_hold_back(source: Path, tmp_path: Path) -> None:
    with pytest.raises(QuantizeError, match="nothing can be held back to judge the set on"):
        quantize_mixed(source, tmp_path / "net.onnx", data(1), RECIPE, max_loss=1)


def test_a_set_that_misses_the_goal_on_samples_held_back_is_searched_for_again(source: Path, tmp_path: Path) -> None:
    """Samples held back that are twice as large and spread lose more than those that the search sees."""

    def samples():
        for index, sample in enumerate(data(10)):
            loud = index in {2, 7}  # what `split` holds back of ten
            yield {"image": sample["image"] * np.float32(1.5 if loud else 1.0)}

    uneven = CalibrationData("uneven", False, 10, samples)
    loose = quantize_mixed(source, tmp_path / "a.onnx", uneven, RECIPE, max_loss=100)
    assert loose.mixed is not None
    assert loose.mixed.loss > loose.mixed.loss_seen
    goal = 0.8 * loose.mixed.loss
    found = quantize_mixed(source, tmp_path / "b.onnx", uneven, RECIPE, max_loss=goal)
    assert found.mixed is not None
    assert found.mixed.reached == (found.mixed.loss <= goal)
    assert found.mixed.loss_seen < 0.8 * loose.mixed.loss_seen
