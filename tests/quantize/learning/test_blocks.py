"""Block-wise reconstruction through small networks, by the road and alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from sepia.inputs.calibration import CalibrationData
from sepia.quantize.fitted import Fitted, Task
from sepia.quantize.learning.blocks import round_by_blocks
from sepia.quantize.learning.learn_block import BlockLearning
from sepia.quantize.loss import measure_loss
from sepia.quantize.recipes import Recipe
from sepia.quantize.rounding.round_layers import MOST_MULTIPLIER, multiplier
from sepia.quantize.write_qdq import write_qdq
from support.fitted_tasks import fitted_task, inverted_residuals, smooth_data
from support.fitting import task_and_fitted
from support.graphs import NetBuilder
from support.quantising import quantised

QUICK = BlockLearning(steps=500)
SCALES = BlockLearning(steps=500, scale_rate=0.001)
FEW = 7
"""Largest code of a weight: so few that weights and not activations make the error of these small networks."""


def output_error(task: Task, fitted: Fitted, data: CalibrationData) -> float:
    qdq = write_qdq(task.model, task.placement, fitted.grids, fitted.rounded)
    return measure_loss(task.model, qdq, data, where="a test").relative


@pytest.mark.parametrize("how", [QUICK, SCALES], ids=["grids stay", "grids learn"])
def test_less_error_than_nearest_rounding_on_samples_not_seen(how: BlockLearning) -> None:
    task, fitted = task_and_fitted(inverted_residuals(), smooth_data(40), limit=FEW)
    learned = round_by_blocks(task, fitted, how=how)
    unseen = smooth_data(40, seed=2)
    assert output_error(task, learned, unseen) < 0.9 * output_error(task, fitted, unseen)
    for layer in task.placement.layers:
        after = learned.rounded[layer.name]
        np.testing.assert_array_equal(after.scale, fitted.rounded[layer.name].scale)
        assert (np.abs(after.codes - layer.weight / layer.per_channel(after.scale)) < 1.0001).all()
        scales = (float(learned.grids[name].scale[0]) for name in (layer.source, layer.output))
        assert multiplier(after, *scales) <= MOST_MULTIPLIER
    moved = [name for name in fitted.grids if learned.grids[name].scale != fitted.grids[name].scale]
    assert "image" not in moved
    assert bool(moved) == (how is SCALES)


def test_grids_stay_inside_the_bounds_of_dropped_activations(tmp_path: Path) -> None:
    task, fitted = fitted_task(inverted_residuals(), tmp_path, data=smooth_data(8))
    learned = round_by_blocks(task, fitted, how=BlockLearning(steps=30, scale_rate=0.1))
    for group in task.placement.groups:
        grid = learned.grids[group.values[0]]
        assert all(learned.grids[name] == grid or learned.grids[name].scale == grid.scale for name in group.values)
        low, high = (float(end) for end in grid.dequantize(np.array(grid.code_range)))
        assert low >= group.hull[0] - 1e-6
        assert high <= group.hull[1] + 1e-5


def test_a_block_that_gets_no_better_stays_as_it_was(tmp_path: Path) -> None:
    """A rate that wrecks everything changes nothing."""
    task, fitted = fitted_task(inverted_residuals(), tmp_path, data=smooth_data(6))
    wild = BlockLearning(steps=3, rate=0.0, bias_rate=1e4, scale_rate=0.0)
    learned = round_by_blocks(task, fitted, how=wild)
    for name, before in fitted.rounded.items():
        np.testing.assert_array_equal(learned.rounded[name].codes, before.codes)
        np.testing.assert_array_equal(learned.rounded[name].bias, before.bias)
    assert all(learned.grids[name].scale == grid.scale for name, grid in fitted.grids.items())


def test_one_dimension_in_the_int8_encoding() -> None:
    """A separable network over signals; each block ends where the next begins."""

    def signals(count: int, seed: int) -> CalibrationData:
        def samples() -> Iterator[dict[str, np.ndarray]]:
            rng = np.random.default_rng(seed)
            for _ in range(count):
                coarse = rng.normal(0, 1, (1, 1, 4)).repeat(4, axis=2)
                yield {"image": (coarse + 0.2 * rng.normal(0, 1, (1, 3, 16))).astype(np.float32)}

        return CalibrationData("signals", False, count, samples)

    net = NetBuilder((1, 3, 16))
    x = net.relu6(net.conv(net.input, 16, kernel=3, name="stem"))
    x = net.conv(net.relu6(net.depthwise(x, name="a.dw")), 4, name="a.project")
    x = net.relu6(net.depthwise(net.relu6(net.conv(x, 24, name="b.expand")), name="b.dw"))
    net.conv(x, 4, name="b.project")
    task, fitted = task_and_fitted(net, signals(40, 1), activations="int8", limit=FEW)
    learned = round_by_blocks(task, fitted, how=QUICK)
    unseen = signals(40, 2)
    assert output_error(task, learned, unseen) < 0.9 * output_error(task, fitted, unseen)
    assert {grid.dtype for grid in learned.grids.values()} == {"int8"}


def test_a_graph_with_a_batch_of_its_own() -> None:
    """A Reshape to a fixed batch: two samples at once would fail, or be taken for one."""

    def colours() -> Iterator[dict[str, np.ndarray]]:
        rng = np.random.default_rng(1)
        for _ in range(48):
            yield {"image": (rng.normal(0, 1, (1, 4, 1, 1)) + rng.normal(0, 0.2, (1, 4, 8, 8))).astype(np.float32)}

    net = NetBuilder((1, 4, 8, 8))
    x = net.relu6(net.conv(net.input, 8, kernel=3, name="a"))
    x = net.node("GlobalAveragePool", [x])
    x = net.node("Reshape", [x, net.constant("shape", np.array([1, 8], np.int64))], channels=8)
    net.gemm(x, 4)
    task, fitted = task_and_fitted(net, CalibrationData("colours", False, 48, colours), limit=FEW)
    learned = round_by_blocks(task, fitted, how=QUICK)
    assert output_error(task, learned, task.data) < 0.9 * output_error(task, fitted, task.data)


def test_the_same_seed_gives_the_same_file(tmp_path: Path) -> None:
    data = smooth_data(10)
    files = []
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        (tmp_path / name).mkdir()
        recipe = Recipe(name="r", learn_blocks=True, seed=seed)
        found = quantised(inverted_residuals(), tmp_path / name, recipe=recipe, data=data)
        assert "blocks" in found.summary.phases
        files.append(found.path.read_bytes())
    assert files[0] == files[1]
    tensors = {t.name: numpy_helper.to_array(t) for t in onnx.load_from_string(files[0]).graph.initializer}
    assert any(array.dtype == np.int8 and array.ndim == 4 for array in tensors.values())
