"""Which values share one factor, and where a factor may not go."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.graph.passes import canonicalize
from sepia.quantize.equalizing.rescale import LayerArrays, rescale
from sepia.quantize.equalizing.streams import Stream, find_streams
from support.graphs import NetBuilder, random_input, run_graph, tiny_separable


def streams_of(net: NetBuilder, *outputs: str) -> dict[tuple[str, ...], Stream]:
    model = canonicalize(ir.from_proto(net.proto(*outputs)))
    return {stream.writers: stream for stream in find_streams(model)}


def test_an_inverted_residual_has_pairs_inside_and_one_stream_around_it() -> None:
    found = find_streams(canonicalize(ir.from_proto(tiny_separable())))
    pairs = {(*s.writers, *s.readers) for s in found if s.pair}
    assert ("block2.expand", "block2.dw") in pairs
    assert ("block2.dw", "block2.project") in pairs
    assert ("head", "fc") in pairs
    (stream,) = (s for s in found if s.joined)
    assert stream.writers == ("block1.pw", "block2.project")
    assert stream.readers == ("block2.expand", "block3.expand")
    assert (stream.channels, stream.clips, stream.rectified) == (8, (), frozenset())
    (inside,) = (s for s in found if s.writers == ("block2.dw",))
    assert inside.clips == (("block2.dw", 6.0),)
    assert inside.rectified == {"block2.dw"}


def test_an_end_of_the_graph_an_odd_activation_and_a_constant_hold_a_stream_fast() -> None:
    net = NetBuilder((1, 3, 8, 8))
    first = net.conv(net.input, 4, name="first")
    shown = net.node("Relu", [net.conv(first, 4, name="shown")])
    swish = net.node("HardSwish", [net.conv(shown, 4, name="swish")])
    moved = net.node("Add", [net.conv(swish, 4, name="moved"), net.constant("one", np.ones((1, 4, 8, 8), np.float32))])
    last = net.conv(moved, 2, name="last")
    assert set(streams_of(net, last, shown)) == {("first",)}


@pytest.mark.parametrize("other", ["HardSwish", "Softmax"])
def test_a_reader_that_is_no_layer_holds_a_stream_fast(other: str) -> None:
    net = NetBuilder((1, 3, 8, 8))
    x = net.node("Relu", [net.conv(net.input, 4, name="first")])
    y = net.node("Add", [net.conv(net.node(other, [x]), 4, name="one"), net.conv(x, 4, name="other")])
    assert set(streams_of(net, net.conv(y, 2, name="last"))) == {("one", "other")}


def test_more_readers_are_one_stream_but_no_pair() -> None:
    net = NetBuilder((1, 3, 8, 8))
    x = net.node("Relu", [net.conv(net.input, 4, name="first")])
    one, other = net.conv(x, 4, name="one"), net.conv(x, 4, name="other")
    y = net.node("Concat", [one, other], axis=1, channels=8)
    found = streams_of(net, net.conv(y, 2, name="last"))
    assert set(found) == {("first",)}
    assert found["first",].readers == ("one", "other")
    assert not found["first",].pair


def test_a_gate_scales_what_it_scales_and_is_not_scaled() -> None:
    net = NetBuilder((1, 3, 8, 8))
    x = net.node("Relu", [net.conv(net.input, 4, name="first")])
    gate = net.conv(net.node("GlobalAveragePool", [x]), 4, name="squeeze")
    gate = net.node("HardSigmoid", [gate])
    found = streams_of(net, net.conv(net.node("Mul", [x, gate]), 2, name="last"))
    assert set(found) == {("first",)}
    assert found["first",].readers == ("squeeze", "last")
    assert found["first",].joined


def test_weights_that_two_layers_read_are_changed_in_the_one_that_is_meant() -> None:
    net = NetBuilder((1, 4, 6, 6))
    x = net.conv(net.input, 4, name="first")
    shared = net.constant("shared", net.rng.normal(0, 1, (4, 4, 1, 1)).astype(np.float32))
    x = net.node("Relu", [net.node("Conv", [x, shared], kernel_shape=[1, 1])])
    x = net.node("Softmax", [net.node("Conv", [x, shared], kernel_shape=[1, 1])], axis=1)
    model = canonicalize(ir.from_proto(net.proto(x)))
    factors = [(s, np.linspace(0.1, 3, s.channels)) for s in find_streams(model)]
    assert factors
    same(model, rescale(model, factors))


@pytest.mark.parametrize("size", [(16,), (12, 12), (8, 8, 8)], ids=["1-D", "2-D", "3-D"])
@pytest.mark.parametrize("seed", range(3))
def test_any_factors_leave_a_network_without_clips_as_it_is(size: tuple[int, ...], seed: int) -> None:
    net, rng = NetBuilder((2, 3, *size), seed=seed), np.random.default_rng(seed)
    x = net.node("Relu", [net.conv(net.input, 6, kernel=3, name="stem")])
    x = net.node("LeakyRelu", [net.depthwise(x, multiplier=2, name="dw", dilation=2)], alpha=0.1)
    x = net.conv(x, 8, group=4, kernel=3, name="grouped", bias=False)
    y = net.node(
        "MaxPool", [x], kernel_shape=[2] * len(size), strides=[1] * len(size), pads=[0] * len(size) + [1] * len(size)
    )
    y = net.conv(y, 8, name="inner", kernel=2, pad=0)
    x = net.node("Sub", [y, net.conv(x, 8, name="other", kernel=2, pad=0)])
    x = net.node("Flatten", [net.node("GlobalAveragePool", [x])], axis=1)
    model = canonicalize(ir.from_proto(net.proto(net.gemm(x, 5))))
    factors = [(stream, np.exp(rng.uniform(-5, 5, stream.channels))) for stream in find_streams(model)]
    assert len(factors) == 4
    same(model, rescale(model, factors))


def same(model: ir.Model, other: ir.Model) -> None:
    feeds = random_input(model)
    for name, right in run_graph(model, feeds).items():
        np.testing.assert_allclose(run_graph(other, feeds)[name], right, rtol=0, atol=1e-5 * np.abs(right).max())


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 1000))
def test_groups_meet_their_own_channels(groups: int, inside: int, outside: int, seed: int) -> None:
    """x/s through a grouped layer whose weights were multiplied is x through it as it was, in plain loops."""
    rng = np.random.default_rng(seed)
    weight = rng.normal(0, 1, (groups * outside, inside, 3)).astype(np.float32)
    node = ir.node("Conv", [ir.Value(name="x"), ir.Value(name="w", const_value=ir.tensor(weight))], {"group": groups})
    arrays, scale = LayerArrays(node), np.exp(rng.uniform(-3, 3, groups * inside))
    ranges = arrays.input_ranges()
    arrays.multiply_inputs(scale)
    arrays.add_constant(1 / scale)
    for out in range(groups * outside):
        group, total = out // outside, 0.0
        for index in range(inside):
            factor = scale[group * inside + index]
            np.testing.assert_allclose(arrays.weight[out, index], weight[out, index] * factor, rtol=1e-6)
            total += float(weight[out, index].sum())
        assert arrays.bias[out] == pytest.approx(total, rel=1e-5, abs=1e-5)
    for channel in range(groups * inside):
        group, index = divmod(channel, inside)
        read = weight[group * outside : (group + 1) * outside, index]
        assert ranges[channel] == pytest.approx(float(np.abs(read).max()), rel=1e-6)
