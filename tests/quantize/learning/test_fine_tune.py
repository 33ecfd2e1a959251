"""The loop: it lowers the loss, keeps the best state, sees nothing that is held back, and repeats itself exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from sepia.errors import QuantizeError
from sepia.inputs.calibration import CalibrationData
from sepia.quantize.fake.network import FakeNetwork
from sepia.quantize.fitted import Fitted, Task
from sepia.quantize.learning.distill import distill
from sepia.quantize.learning.fine_tune import Learned, fine_tune
from sepia.quantize.learning.learned_ranges import learn_ranges
from sepia.quantize.loss import measure_loss
from sepia.quantize.write_qdq import write_qdq
from support.fitting import task_and_fitted
from support.graphs import NetBuilder
from support.quantising import normal_data

_SHAPE = (1, 3, 16, 16)


def coarse(activations: str = "uint8") -> tuple[Task, Fitted]:
    """A network whose weights have 15 codes, so that rounding them costs something; an output at every position."""
    net = NetBuilder(_SHAPE)
    x = net.relu6(net.conv(net.input, 8, kernel=3, stride=2, name="stem"))
    y = net.relu6(net.depthwise(net.relu6(net.conv(x, 16, name="expand")), name="dw"))
    x = net.node("Add", [net.conv(y, 8, name="project"), x], name="add")
    net.conv(x, 4, name="logits")
    return task_and_fitted(net, normal_data({"image": _SHAPE}, 24), activations=activations, limit=7)


def with_wide_ranges(task: Task, fitted: Fitted) -> Fitted:
    """All free grids four times too coarse."""
    free = {name for group in task.placement.groups if group.hull == (-np.inf, np.inf) for name in group.values}
    grids = {
        name: replace(grid, scale=grid.scale * np.float32(4)) if name in free else grid
        for name, grid in fitted.grids.items()
    }
    return replace(fitted, grids=grids)


def loss_of_the_file(task: Task, fitted: Fitted, data: CalibrationData) -> float:
    """Of the QDQ file in ONNX Runtime."""
    qdq = write_qdq(task.model, task.placement, fitted.grids, fitted.rounded)
    return measure_loss(task.model, qdq, data, where="a test").rms["logits"]


def arrays(fitted: Fitted) -> list[NDArray[np.generic]]:
    of_grids = [array for grid in fitted.grids.values() for array in (grid.scale, grid.zero_point)]
    return of_grids + [a for layer in fitted.rounded.values() for a in (layer.codes, layer.scale, layer.bias)]


def with_spoilt_biases(fitted: Fitted) -> Fitted:
    rng = np.random.default_rng(4)
    spoilt = {
        name: replace(one, bias=one.bias + rng.uniform(-0.5, 0.5, one.bias.shape).astype(np.float32))
        for name, one in fitted.rounded.items()
    }
    return replace(fitted, rounded=spoilt)


def test_distillation_brings_the_file_nearer_to_float_on_samples_that_it_did_not_see() -> None:
    task, fitted = coarse()
    fitted = with_spoilt_biases(fitted)
    unseen = normal_data({"image": _SHAPE}, 40, seed=99)
    before = loss_of_the_file(task, fitted, unseen)
    after = loss_of_the_file(task, distill(task, fitted, steps=200), unseen)
    assert after < 0.9 * before


def test_learned_ranges_do_so_and_leave_weights_alone() -> None:
    task, fitted = coarse()
    fitted = with_wide_ranges(task, fitted)
    unseen = normal_data({"image": _SHAPE}, 40, seed=99)
    learned = learn_ranges(task, fitted, steps=120)
    assert loss_of_the_file(task, learned, unseen) < 0.95 * loss_of_the_file(task, fitted, unseen)
    for name, rounded in fitted.rounded.items():
        assert np.array_equal(learned.rounded[name].codes, rounded.codes)
        assert np.array_equal(learned.rounded[name].bias, rounded.bias)


def test_learned_grids_hold_what_the_file_asks() -> None:
    task, fitted = coarse("int8")
    fitted = with_wide_ranges(task, fitted)
    learned = learn_ranges(task, fitted, steps=40)
    assert any(learned.grids[name].scale[0] != grid.scale[0] for name, grid in fitted.grids.items())
    for group in task.placement.groups:
        grids = {(float(learned.grids[n].scale[0]), int(learned.grids[n].zero_point[0])) for n in group.values}
        assert len(grids) == 1
        grid = learned.grids[group.values[0]]
        assert grid.dtype == "int8"
        low, high = (float(grid.dequantize(np.array([code]))[0]) for code in grid.code_range)
        assert low >= group.hull[0] and high <= group.hull[1] * (1 + 1e-6)


def test_a_grid_that_is_known_beforehand_stays() -> None:
    net = NetBuilder((1, 4, 8, 8))
    net.conv(net.node("Sigmoid", [net.conv(net.input, 8)], name="gate"), 4, name="y")
    task, fitted = task_and_fitted(net)
    learned = distill(task, fitted, steps=10)
    assert float(learned.grids["gate"].scale[0]) == 1 / 256
    assert int(learned.grids["gate"].zero_point[0]) == 0


@pytest.mark.parametrize("seed", [0, 7])
def test_the_same_seed_gives_the_same_arrays(seed: int) -> None:
    task, fitted = coarse()
    one, other = (distill(task, fitted, steps=12, seed=seed) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(arrays(one), arrays(other), strict=True))


def test_another_seed_gives_others() -> None:
    task, fitted = coarse()
    fitted = with_spoilt_biases(fitted)
    one, other = (distill(task, fitted, steps=12, seed=seed) for seed in (0, 1))
    assert not all(np.array_equal(a, b) for a, b in zip(arrays(one), arrays(other), strict=True))


def test_no_steps_change_nothing() -> None:
    task, fitted = coarse()
    again = distill(task, fitted, steps=0)
    assert all(np.array_equal(a, b) for a, b in zip(arrays(fitted), arrays(again), strict=True))


def test_a_rate_that_ruins_the_network_leaves_it_as_it_was() -> None:
    task, fitted = coarse()
    network = FakeNetwork(task, fitted)
    ruinous = [Learned(layer.latent, 500.0) for layer in network.layers.values()]
    fine_tune(network, ruinous, steps=8, seed=0, what="ruin")
    assert all(np.array_equal(a, b) for a, b in zip(arrays(fitted), arrays(network.fitted()), strict=True))


@pytest.mark.parametrize(("losses", "kept"), [([3, 1, 2], 2), ([3, 1, 4], 1), ([3, 3, 3], 0), ([3, 4, 5], 0)])
def test_the_last_state_is_kept_if_it_is_better_than_the_first(
    monkeypatch: pytest.MonkeyPatch, losses: list[float], kept: int
) -> None:
    task, fitted = coarse()
    network = FakeNetwork(task, fitted)
    biases = [layer.bias for layer in network.layers.values()]
    seen: list[list[torch.Tensor]] = []

    def told(_: object) -> float:
        seen.append([bias.detach().clone() for bias in biases])
        return losses[len(seen) - 1]

    monkeypatch.setattr("sepia.quantize.learning.fine_tune._LOOKS", len(losses) - 1)
    monkeypatch.setattr("sepia.quantize.learning.fine_tune._Judge.loss", told)
    fine_tune(network, [Learned(bias, 1.0) for bias in biases], steps=6, seed=0, what="a test")
    assert not all(torch.equal(one, other) for one, other in zip(seen[0], seen[1], strict=True))
    assert all(torch.equal(one, other) for one, other in zip(biases, seen[kept], strict=True))


def test_travel_is_the_way_of_a_parameter_whose_gradient_keeps_its_sign() -> None:
    """A bias that the loss always pulls up, because it began too low."""
    task, fitted = coarse()
    for steps in (10, 40):
        network = FakeNetwork(task, fitted)
        bias = network.layers["logits"].bias
        with torch.no_grad():
            bias.sub_(0.3)
        before = bias.clone()
        fine_tune(network, [Learned(bias, 0.1)], steps=steps, seed=0, what="bias")
        assert torch.allclose(bias - before, torch.tensor(0.1), rtol=0.1)


def test_no_parameter_is_left_learning() -> None:
    task, fitted = coarse()
    network = FakeNetwork(task, fitted)
    layer = network.layers["stem"]
    fine_tune(network, [Learned(layer.latent, 1.0)], steps=2, seed=0, what="learn")
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_progress_is_told() -> None:
    task, fitted = coarse()
    told: list[tuple[str, int, int]] = []
    distill(replace(task, progress=lambda *row: told.append(row)), fitted, steps=5)
    assert told == [("distil", step, 5) for step in range(1, 6)]


def test_one_sample_is_enough_and_none_is_refused() -> None:
    task, fitted = coarse()
    task = replace(task, data=normal_data({"image": _SHAPE}, 1))
    distill(task, fitted, steps=2)
    with pytest.raises(QuantizeError, match="no samples"):
        distill(replace(task, data=normal_data({"image": _SHAPE}, 0)), fitted, steps=2)


def test_a_network_that_mixes_samples_of_a_batch_learns_from_one_at_a_time() -> None:
    """The batch is moved into the channels: two samples together are not what they are alone."""
    net = NetBuilder((1, 4, 8, 8))
    x = net.node("Transpose", [net.conv(net.input, 6)], perm=[1, 0, 2, 3], channels=1)
    net.node("Transpose", [net.conv(x, 1)], name="y", perm=[1, 0, 2, 3])
    task, fitted = task_and_fitted(net)
    sizes = []

    class Watched(FakeNetwork):
        def run(self, feeds, wanted, **rest):  # type: ignore[no-untyped-def]
            sizes.append(next(iter(feeds.values())).shape[0])
            return super().run(feeds, wanted, **rest)

    network = Watched(task, fitted)
    fine_tune(network, [Learned(network.layers[task.placement.layers[0].name].bias, 0.1)], steps=3, seed=0, what="x")
    assert sizes[-1] == 1


def test_an_output_a_thousand_times_smaller_is_learned_too() -> None:
    """Each output's error is weighed by its power."""
    net = NetBuilder((1, 3, 8, 8))
    x = net.relu6(net.conv(net.input, 8, kernel=3))
    small, big = net.conv(x, 4, name="small"), net.conv(x, 4, name="big")
    for tensor in net.initializers:
        if tensor.name.startswith("small"):
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) / 1000, tensor.name))
    task, fitted = task_and_fitted(net.proto(small, big), normal_data(dict(net.inputs), 24), limit=3)
    unseen = normal_data(dict(net.inputs), 40, seed=99)

    def losses(fitted: Fitted) -> Mapping[str, float]:
        qdq = write_qdq(task.model, task.placement, fitted.grids, fitted.rounded)
        return measure_loss(task.model, qdq, unseen, where="a test").rms

    spoilt = {name: replace(one, bias=one.bias + 0.5 * np.abs(one.bias).max()) for name, one in fitted.rounded.items()}
    fitted = replace(fitted, rounded=spoilt)
    before, after = losses(fitted), losses(distill(task, fitted, steps=100))
    assert after["small"] < 0.9 * before["small"]
    assert after["big"] < 0.9 * before["big"]
