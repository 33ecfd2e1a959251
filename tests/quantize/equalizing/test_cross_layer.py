"""Equalisation against the paper's formula in plain loops, and the float network left as it is."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from numpy.typing import NDArray
from sepia.graph.passes import canonicalize
from sepia.quantize.equalizing.cross_layer import equalize
from sepia.quantize.equalizing.possible import possible_ends
from sepia.quantize.equalizing.rescale import rescale
from sepia.quantize.equalizing.streams import find_streams
from sepia.quantize.recipes import Recipe
from support.graphs import NetBuilder, run_graph, tiny_separable
from support.quantising import quantised

Floats = NDArray[np.float32]


def layer(net: NetBuilder, x: str, weight: Floats, bias: Floats, name: str, *, group: int = 1) -> str:
    names = [x, net.constant(f"{name}.weight", weight), net.constant(f"{name}.bias", bias)]
    pads = [size // 2 for size in weight.shape[2:]] * 2
    return net.node("Conv", names, name=name, channels=len(weight), group=group, pads=pads)


def chain(activation: str, *, channels: int = 6, seed: int = 0, spread: float = 1000.0) -> NetBuilder:
    """Pointwise → depthwise → pointwise, with channel ranges 1 : `spread` in the first two, in another order each."""
    net = NetBuilder((1, 3, 7, 7), seed=seed)
    rng, even = net.rng, np.geomspace(1, 1 / spread, channels)
    first, second = (rng.permutation(even).astype(np.float32)[:, None, None, None] for _ in range(2))

    def active(x: str) -> str:
        return net.relu6(x) if activation == "Clip" else net.node(activation, [x])

    def normal(*shape: int) -> Floats:
        return rng.normal(0, 1, shape).astype(np.float32)

    x = active(layer(net, net.input, normal(channels, 3, 1, 1) * first, normal(channels) * 0.1, "first"))
    x = active(layer(net, x, normal(channels, 1, 3, 3) * second, normal(channels) * 0.1, "middle", group=channels))
    layer(net, x, normal(4, channels, 1, 1), normal(4), "last")
    return net


def built(net: NetBuilder) -> ir.Model:
    return canonicalize(ir.from_proto(net.proto("last")))


def array(model: ir.Model, name: str) -> Floats:
    value = model.graph.initializers[name].const_value
    assert value is not None
    return value.numpy()


def images(count: int = 6, scale: float = 1.0) -> list[dict[str, Floats]]:
    rng = np.random.default_rng(5)
    return [{"image": (scale * rng.normal(0, 1, (1, 3, 7, 7))).astype(np.float32)} for _ in range(count)]


def seen_ends(model: ir.Model, *values: str) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    runs = [run_graph(model, feeds, also=values) for feeds in images()]
    stacked = {name: np.concatenate([run[name] for run in runs]).astype(np.float64) for name in values}
    return {name: (found.min(axis=(0, 2, 3)), found.max(axis=(0, 2, 3))) for name, found in stacked.items()}


def assert_same(model: ir.Model, other: ir.Model, feeds: list[dict[str, Floats]]) -> None:
    for one in feeds:
        right, found = run_graph(model, one)["last"], run_graph(other, one)["last"]
        np.testing.assert_allclose(found, right, rtol=0, atol=1e-5 * np.abs(right).max())


def test_two_layers_get_the_papers_factors() -> None:
    net, rng = NetBuilder((1, 3, 7, 7)), np.random.default_rng(0)
    first, second = (rng.normal(0, 1, shape).astype(np.float32) for shape in ((5, 3, 1, 1), (4, 5, 3, 3)))
    first *= np.geomspace(1, 100, 5).astype(np.float32)[:, None, None, None]
    bias = rng.normal(0, 1, 5).astype(np.float32)
    x = net.node("Relu", [layer(net, net.input, first, bias, "first")])
    layer(net, x, second, np.zeros(4, np.float32), "last")
    found = equalize(built(net))
    for channel in range(5):
        range_1 = max(abs(float(weight)) for weight in first[channel].flat)
        range_2 = max(abs(float(weight)) for weight in second[:, channel].flat)
        factor = (range_1 * range_2) ** 0.5 / range_2
        np.testing.assert_allclose(array(found, "first.weight")[channel], first[channel] / factor, rtol=1e-5)
        np.testing.assert_allclose(array(found, "first.bias")[channel], bias[channel] / factor, rtol=1e-5)
        np.testing.assert_allclose(array(found, "last.weight")[:, channel], second[:, channel] * factor, rtol=1e-5)
    assert_same(built(net), found, images())


@pytest.mark.parametrize("seed", range(3))
def test_a_depthwise_chain_comes_to_the_cube_root(seed: int) -> None:
    net = chain("Relu", seed=seed)
    model = built(net)
    found = equalize(model)

    def ranges(of: ir.Model) -> list[NDArray[np.float32]]:
        parts = [np.abs(array(of, f"{name}.weight")) for name in ("first", "middle", "last")]
        return [parts[0].max(axis=(1, 2, 3)), parts[1].max(axis=(1, 2, 3)), parts[2].max(axis=(0, 2, 3))]

    expected = np.prod([one.astype(np.float64) for one in ranges(model)], axis=0) ** (1 / 3)
    for one in ranges(found):
        np.testing.assert_allclose(one, expected, rtol=1e-4)
    assert_same(model, found, images())


def test_what_is_equal_is_left_alone_the_second_time() -> None:
    once = equalize(built(chain("Relu")))
    twice = equalize(once)
    for name in once.graph.initializers:
        np.testing.assert_allclose(array(twice, name), array(once, name), rtol=1e-4, atol=1e-7)


def test_without_ends_a_clip_is_safe_for_any_input() -> None:
    model = canonicalize(ir.from_proto(tiny_separable()))
    found = equalize(model)
    rng = np.random.default_rng(0)
    for scale in (1.0, 100.0):
        feeds = {"image": (scale * rng.normal(0, 1, (1, 3, 16, 16))).astype(np.float32)}
        right, seen = run_graph(model, feeds)["logits"], run_graph(found, feeds)["logits"]
        np.testing.assert_allclose(seen, right, rtol=0, atol=1e-5 * np.abs(right).max())


def test_without_ends_what_is_proven_to_stay_below_the_bound_is_scaled() -> None:
    model = built(chain("Clip", spread=10_000.0))
    found = equalize(model)
    changed = array(found, "middle.bias") / array(model, "middle.bias")
    assert (changed > 1.5).any()
    np.testing.assert_array_equal(array(found, "first.bias"), array(model, "first.bias"))
    assert_same(model, found, images(scale=1000.0))


def test_a_channel_that_reaches_the_bound_stays_and_others_are_not_scaled_past_it() -> None:
    model = built(chain("Clip", spread=30.0))
    feeds = images()
    ends = seen_ends(model, "first", "middle")
    # One channel is made to reach the bound, one is told to be dead.
    reaching = np.argmax(ends["first"][1])
    ends["first"][1][reaching] = 6.5
    found = equalize(model, ends)
    grown = {name: array(found, f"{name}.bias") / array(model, f"{name}.bias") for name in ends}
    assert grown["first"][reaching] == 1.0
    assert grown["first"].max() > 1.5
    for name, (_, high) in ends.items():
        free = high <= 6.0
        assert (grown[name] * high <= np.where(free, 6.0, high) * (1 + 1e-5)).all()
    assert_same(model, found, feeds)


def test_no_grid_of_an_activation_gets_wider_where_ends_are_known() -> None:
    model = built(chain("Relu"))
    found = equalize(model, seen_ends(model, "first", "middle"))
    before, after = seen_ends(model, "first", "middle"), seen_ends(found, "first", "middle")
    for name in before:
        assert after[name][1].max() <= before[name][1].max() * (1 + 1e-4)
    assert_same(model, found, images())


def test_around_an_addition_nothing_is_changed() -> None:
    model = canonicalize(ir.from_proto(tiny_separable()))
    for ends in (None, {name: (np.full(24, -1.0), np.full(24, 1.0)) for name in ("block2.expand", "block2.dw")}):
        found = equalize(model, ends)
        for name in ("block1.pw.bias", "block2.project.bias"):
            np.testing.assert_array_equal(array(found, name), array(model, name))
    assert (array(found, "block2.project.weight") != array(model, "block2.project.weight")).any()


def test_beside_channels_that_stay_others_come_to_their_level() -> None:
    """The first layer's weights are a thousand times the second's, in all channels: nothing is to be evened."""
    net, rng = NetBuilder((1, 3, 7, 7)), np.random.default_rng(0)
    first, second = (rng.choice([-1.0, 1.0], shape).astype(np.float32) for shape in ((5, 3, 1, 1), (4, 5, 1, 1)))
    x = net.relu6(layer(net, net.input, first * np.float32(30), np.zeros(5, np.float32), "first"))
    layer(net, x, second * np.float32(0.03), np.zeros(4, np.float32), "last")
    model = built(net)
    ends = {"first": (np.full(5, -9.0), np.array([9.0, 9.0, 0.1, 0.1, 0.1]))}
    found = equalize(model, ends)
    np.testing.assert_allclose(array(found, "first.weight"), array(model, "first.weight"), rtol=1e-6)


def test_dead_channels_stay_finite() -> None:
    net = chain("Relu")
    model = built(net)
    for name in ("first.weight", "middle.weight"):
        dead = array(model, name).copy()
        dead[2] = 0.0
        model.graph.initializers[name].const_value = ir.tensor(dead)
    found = equalize(model)
    assert all(np.isfinite(array(found, name)).all() for name in found.graph.initializers)
    assert_same(model, found, images())


def test_possible_ends_are_what_the_worst_inputs_give() -> None:
    net, rng = NetBuilder((1, 3, 7, 7)), np.random.default_rng(0)
    weight = rng.normal(0, 1, (4, 3, 1, 1)).astype(np.float32)
    x = net.relu6(
        layer(net, net.input, rng.normal(0, 1, (3, 3, 1, 1)).astype(np.float32), np.zeros(3, np.float32), "in")
    )
    x = layer(net, x, weight, rng.normal(0, 1, 4).astype(np.float32), "first")
    layer(
        net, net.node("Relu", [x]), rng.normal(0, 1, (2, 4, 1, 1)).astype(np.float32), np.zeros(2, np.float32), "last"
    )
    model = built(net)
    low, high = possible_ends(model)["first"]
    outputs = [
        weight[:, :, 0, 0] @ np.array(corner) + array(model, "first.bias") for corner in product((0.0, 6.0), repeat=3)
    ]
    np.testing.assert_allclose(low, np.min(outputs, axis=0), rtol=1e-6)
    np.testing.assert_allclose(high, np.max(outputs, axis=0), rtol=1e-6)
    assert np.isinf(possible_ends(model)["in"][1]).all()


def test_a_network_with_ranges_of_one_to_a_thousand_comes_back_to_what_it_was(tmp_path: Path) -> None:
    """The same function three times: as it is, with channels spread apart, and equalised."""
    plain, rng = built(chain("Relu", channels=16, spread=1.0)), np.random.default_rng(3)
    factors = [(stream, rng.permutation(np.geomspace(1, 1000, stream.channels))) for stream in find_streams(plain)]
    hard = rescale(plain, factors)
    assert_same(plain, hard, images())

    def error(model: ir.Model, *, even: bool) -> float:
        recipe = Recipe(name="hard", weights="per-tensor", equalize=even, bias_correction="none")
        path = quantised(ir.to_proto(model), tmp_path, recipe=recipe).path
        pairs = [(run_graph(plain, one)["last"], run_graph(ir.load(str(path)), one)["last"]) for one in images()]
        return float(np.sqrt(np.mean([np.square(right - seen).mean() for right, seen in pairs])))

    asis, spread, evened = error(plain, even=False), error(hard, even=False), error(hard, even=True)
    assert spread > 10 * asis
    assert evened < 1.5 * asis
