"""AdaRound through small networks, by the road and alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sepia.inputs.calibration import CalibrationData
from sepia.quantize.fitted import Fitted, Task
from sepia.quantize.learning.adaround import round_by_adaround
from sepia.quantize.learning.learn_layer import Learning
from sepia.quantize.loss import measure_loss
from sepia.quantize.recipes import Recipe
from sepia.quantize.write_qdq import write_qdq
from support.fitted_tasks import fitted_task, inverted_residuals, smooth_data
from support.fitting import task_and_fitted
from support.graphs import NetBuilder, tiny_separable
from support.quantising import normal_data, quantised

QUICK = Learning(steps=400, batch=128)
FEW = 7
"""Largest code of a weight: so few that weights and not activations make the error of these small networks."""


def logits_error(task: Task, fitted: Fitted, data: CalibrationData) -> float:
    qdq = write_qdq(task.model, task.placement, fitted.grids, fitted.rounded)
    return measure_loss(task.model, qdq, data, where="a test").relative


def test_less_error_than_nearest_rounding_on_samples_not_seen() -> None:
    task, fitted = task_and_fitted(inverted_residuals(), smooth_data(40), limit=FEW)
    learned = round_by_adaround(task, fitted, how=QUICK)
    unseen = smooth_data(40, seed=2)
    assert logits_error(task, learned, unseen) < 0.9 * logits_error(task, fitted, unseen)
    for layer in task.placement.layers:
        before, after = fitted.rounded[layer.name], learned.rounded[layer.name]
        np.testing.assert_array_equal(after.scale, before.scale)
        exact = layer.weight / layer.per_channel(after.scale)
        assert (np.abs(after.codes - exact) < 1.0001).all()
    assert learned.grids == fitted.grids


@pytest.mark.parametrize("size", [(16,), (8, 8, 8)])
def test_all_sorts_of_layers_in_one_and_three_dimensions(size: tuple[int, ...]) -> None:
    """Standard, depthwise, pointwise and fully connected, with a residual, in the int8 encoding."""
    task, fitted = task_and_fitted(tiny_separable(size), normal_data({"image": (1, 3, *size)}, 6), activations="int8")
    learned = round_by_adaround(task, fitted, how=Learning(steps=40, batch=64))
    changed = {name for name, one in learned.rounded.items() if (one.codes != fitted.rounded[name].codes).any()}
    assert len(changed) > len(task.placement.layers) // 2


def test_transposed_and_grouped_layers() -> None:
    net = NetBuilder((1, 4, 6, 6))
    x = net.relu6(net.conv(net.input, 8, kernel=3, group=2, name="grouped"))
    weight = net.constant("up.weight", net.rng.normal(0, 0.3, (8, 3, 3, 3)).astype(np.float32))
    net.node("ConvTranspose", [x, weight], name="up", channels=3, strides=[2, 2], pads=[1, 1, 1, 1])
    task, fitted = task_and_fitted(net, normal_data({"image": (1, 4, 6, 6)}, 12), limit=FEW)
    learned = round_by_adaround(task, fitted, how=QUICK)
    unseen = normal_data({"image": (1, 4, 6, 6)}, 12, seed=5)
    assert logits_error(task, learned, unseen) < logits_error(task, fitted, unseen)


def test_the_same_seed_gives_the_same_codes(tmp_path: Path) -> None:
    task, fitted = fitted_task(inverted_residuals(), tmp_path, data=smooth_data(6))
    how = Learning(steps=20, batch=32)
    one, again, other = (round_by_adaround(task, fitted, seed=seed, how=how) for seed in (3, 3, 4))
    for name in one.rounded:
        np.testing.assert_array_equal(one.rounded[name].codes, again.rounded[name].codes)
        np.testing.assert_array_equal(one.rounded[name].bias, again.rounded[name].bias)
    assert any((one.rounded[name].bias != other.rounded[name].bias).any() for name in one.rounded)


def test_by_a_recipe(tmp_path: Path) -> None:
    recipe = Recipe(name="r", rounding="adaround", seed=1)
    found = quantised(inverted_residuals(), tmp_path, recipe=recipe, data=smooth_data(10))
    assert "adaround" in found.summary.phases
    assert set(found.summary.losses) == {"seen", "held back"}


def test_samples_are_streamed(tmp_path: Path) -> None:
    """However many there are, one is asked for at a time, and none is kept."""
    task, fitted = fitted_task(inverted_residuals(), tmp_path, data=smooth_data(2))
    rounds = 0

    def samples() -> Iterator[dict[str, np.ndarray]]:
        nonlocal rounds
        rounds += 1
        yield from smooth_data(30)

    data = CalibrationData("counted", False, 30, samples)
    round_by_adaround(Task(task.model, task.placement, data, "uint8", 127, "t"), fitted, how=Learning(steps=2))
    # Once in float, and once for what reads the image itself.
    assert rounds <= 4
