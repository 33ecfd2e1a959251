"""Absorption against the paper's equations, and where it would be wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx_ir as ir
import pytest
from numpy.typing import NDArray
from sepia.graph.passes import canonicalize
from sepia.inputs.calibration import CalibrationData
from sepia.quantize.calibration.channel_statistics import ChannelStatistics, channel_statistics
from sepia.quantize.equalizing.absorb_bias import absorb_bias, constant_part
from support.graphs import NetBuilder, run_graph
from support.quantising import normal_data


def _samples() -> Iterator[dict[str, NDArray[np.float32]]]:
    """Uniform values: a sum of three of them is never more than 3 standard deviations from its mean."""
    rng = np.random.default_rng(0)
    yield from ({"image": rng.uniform(-2, 2, (1, 3, 8, 8)).astype(np.float32)} for _ in range(20))


DATA = CalibrationData("uniform values", False, 20, _samples)
NORMAL = normal_data({"image": (1, 3, 8, 8)}, count=20)


def network(activation: str = "Relu", *, kernel: int = 1, pad: int = 0, height: float = 2.0) -> ir.Model:
    """Two layers; the first one's channels lie about 0, `height`, 2 · `height`, … above zero."""
    net = NetBuilder((1, 3, 8, 8), seed=2)
    weight = net.constant("first.weight", net.rng.normal(0, 0.1, (4, 3, 1, 1)).astype(np.float32))
    bias = net.constant("first.bias", (height * np.arange(4)).astype(np.float32))
    x = net.node("Conv", [net.input, weight, bias], name="first", channels=4)
    x = net.relu6(x) if activation == "Clip" else net.node(activation, [x])
    return canonicalize(ir.from_proto(net.proto(net.conv(x, 5, kernel=kernel, pad=pad, name="last"))))


def statistics(model: ir.Model) -> dict[str, ChannelStatistics]:
    return channel_statistics(model, ["first"], DATA, where="net")


def array(model: ir.Model, name: str) -> NDArray[np.float64]:
    value = model.graph.initializers[name].const_value
    assert value is not None
    return value.numpy().astype(np.float64)


def assert_same(model: ir.Model, other: ir.Model) -> None:
    for sample in DATA:
        right, found = run_graph(model, sample)["last"], run_graph(other, sample)["last"]
        np.testing.assert_allclose(found, right, rtol=0, atol=1e-5 * np.abs(right).max())


@pytest.mark.parametrize("kernel", [1, 3])
def test_the_constant_goes_from_one_bias_to_the_next_as_in_the_paper(kernel: int) -> None:
    model = network(kernel=kernel)
    found = absorb_bias(model, statistics(model))
    outputs = np.concatenate([run_graph(model, sample, also=("first",))["first"] for sample in DATA]).astype(np.float64)
    weight, shifts = array(model, "last.weight"), []
    for channel in range(4):
        values = outputs[:, channel].reshape(-1)
        shifts.append(max(0.0, float(values.mean() - 3 * values.std())))
        assert array(found, "first.bias")[channel] == pytest.approx(
            array(model, "first.bias")[channel] - shifts[-1], abs=1e-4
        )
    assert shifts[0] == 0.0 and min(shifts[1:]) > 0.5
    expected = array(model, "last.bias") + [float((weight[out].sum(axis=(1, 2)) * shifts).sum()) for out in range(5)]
    np.testing.assert_allclose(array(found, "last.bias"), expected, rtol=1e-4, atol=1e-4)
    assert_same(model, found)


def test_what_falls_below_is_changed_by_no_more_than_it_falls() -> None:
    model = network(height=0.3)
    seen = channel_statistics(model, ["first"], NORMAL, where="net")
    found, shift = absorb_bias(model, seen), constant_part(seen["first"])
    worst = np.abs(array(model, "last.weight")[:, :, 0, 0]) @ np.maximum(shift - seen["first"].minimum, 0.0)
    difference = np.zeros(5)
    for sample in NORMAL:
        right, other = run_graph(model, sample)["last"], run_graph(found, sample)["last"]
        difference = np.maximum(difference, np.abs(right - other).max(axis=(0, 2, 3)))
    assert difference.max() > 1e-4
    assert (difference <= worst + 1e-5).all()


def test_of_what_was_seen_alone_nothing_is_changed_where_values_fall_below() -> None:
    model = network(height=0.5)
    seen = channel_statistics(model, ["first"], NORMAL, where="net")
    found = absorb_bias(model, seen, seen_alone=True)
    moved = array(model, "first.bias") - array(found, "first.bias")
    one = seen["first"]
    assert (one.minimum < constant_part(one)).any()
    np.testing.assert_allclose(moved, np.clip(one.minimum, 0, constant_part(one)), atol=1e-6)
    assert moved.max() > 0.1
    for sample in NORMAL:
        right, other = run_graph(model, sample)["last"], run_graph(found, sample)["last"]
        np.testing.assert_allclose(other, right, rtol=0, atol=1e-5 * np.abs(right).max())


def test_no_shift_beside_padding() -> None:
    model = network(kernel=3, pad=1)
    found = absorb_bias(model, statistics(model))
    for name in ("first.bias", "last.bias"):
        np.testing.assert_array_equal(array(found, name), array(model, name))


def test_behind_a_clip_only_where_its_bound_is_out_of_reach() -> None:
    model = network("Clip", height=2.7)
    seen = statistics(model)
    found = absorb_bias(model, seen)
    shifted = array(found, "first.bias") < array(model, "first.bias")
    assert (constant_part(seen["first"]) > 0).tolist() == [False, True, True, True]
    assert seen["first"].maximum[2] < 6.0 < seen["first"].reach(2.0)[1][3]
    assert shifted.tolist() == [False, True, bool(seen["first"].reach(2.0)[1][2] <= 6.0), False]
    assert_same(model, found)


@pytest.mark.parametrize("activation", ["LeakyRelu", "HardSwish"])
def test_other_activations_are_left_alone(activation: str) -> None:
    model = network(activation)
    found = absorb_bias(model, statistics(model))
    np.testing.assert_array_equal(array(found, "first.bias"), array(model, "first.bias"))


def test_statistics_are_those_of_the_arrays() -> None:
    model = network()
    outputs = np.concatenate([run_graph(model, sample, also=("first",))["first"] for sample in DATA]).astype(np.float64)
    seen = statistics(model)["first"]
    for name in ("minimum", "maximum", "mean", "std"):
        how = {"minimum": "min", "maximum": "max"}.get(name, name)
        np.testing.assert_allclose(getattr(seen, name), getattr(outputs, how)(axis=(0, 2, 3)), rtol=1e-5, atol=1e-6)
    low, high = seen.reach(2.0)
    np.testing.assert_allclose(high - seen.mean, 2 * (seen.maximum - seen.mean))
    np.testing.assert_allclose(low - seen.mean, 2 * (seen.minimum - seen.mean))
