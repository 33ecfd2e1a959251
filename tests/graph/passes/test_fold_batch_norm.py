"""BatchNormalization disappears into the layer before, or becomes a layer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.graph.kinds import Kind, kind_of
from sepia.graph.passes.fold_batch_norm import fold_batch_norm
from support.graphs import NetBuilder
from support.passes import holds, ops

TOLERANCE = 1e-5


@settings(max_examples=40, deadline=None)
@given(
    dimensions=st.integers(1, 3),
    group=st.integers(1, 3),
    per_group=st.integers(1, 2),
    multiplier=st.integers(1, 2),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
def test_into_a_convolution(
    dimensions: int, group: int, per_group: int, multiplier: int, bias: bool, seed: int
) -> None:
    net = NetBuilder((2, group * per_group, *[5] * dimensions), seed=seed)
    x = net.conv(net.input, group * multiplier, kernel=3, group=group, bias=bias, name="conv")
    model = holds(fold_batch_norm, net.proto(net.batch_norm(x)), tolerance=TOLERANCE)
    assert ops(model) == ["Conv"]
    assert [value.name for value in model.graph[0].inputs] == [net.input, "conv.weight", "conv.bias"]


@settings(max_examples=20, deadline=None)
@given(group=st.integers(1, 3), inputs=st.integers(1, 2), outputs=st.integers(1, 3), seed=st.integers(0, 99))
def test_into_a_transposed_convolution(group: int, inputs: int, outputs: int, seed: int) -> None:
    net = NetBuilder((1, group * inputs, 4, 5), seed=seed)
    weight = net.constant("w", net.rng.normal(size=(group * inputs, outputs, 3, 2)).astype(np.float32))
    x = net.node("ConvTranspose", [net.input, weight], group=group, strides=[2, 1], channels=group * outputs)
    assert ops(holds(fold_batch_norm, net.proto(net.batch_norm(x)), tolerance=TOLERANCE)) == ["ConvTranspose"]


def test_into_a_gemm_either_way_round() -> None:
    for transposed in (0, 1):
        net = NetBuilder((3, 6))
        weight = net.rng.normal(size=(4, 6) if transposed else (6, 4)).astype(np.float32)
        names = [net.constant("w", weight), net.constant("b", net.rng.normal(size=4).astype(np.float32))]
        x = net.node("Gemm", [net.input, *names], transB=transposed, beta=0.5, alpha=2.0, channels=4)
        assert ops(holds(fold_batch_norm, net.proto(net.batch_norm(x)), tolerance=TOLERANCE)) == ["Gemm"]


@pytest.mark.parametrize("shape", [(), (1,), (1, 4), (4, 4), (4, 1)])
def test_into_a_gemm_whose_bias_is_no_vector(shape: tuple[int, ...]) -> None:
    net = NetBuilder((4, 6))
    names = [net.constant("w", net.rng.normal(size=(6, 4)).astype(np.float32))]
    names.append(net.constant("b", np.asarray(net.rng.normal(size=shape), np.float32)))
    x = net.node("Gemm", [net.input, *names], beta=0.5, channels=4)
    assert ops(holds(fold_batch_norm, net.proto(net.batch_norm(x)), tolerance=TOLERANCE)) == ["Gemm"]


def test_a_value_that_others_read_is_left_as_it_is() -> None:
    net = NetBuilder((1, 3, 5, 5))
    x = net.conv(net.input, 4, name="conv")
    net.node("Relu", [x], name="other")
    model = holds(fold_batch_norm, net.proto(net.batch_norm(x), "other"), tolerance=TOLERANCE)
    assert sorted(ops(model)) == ["Conv", "Conv", "Relu"]


def test_a_shared_weight_serves_its_other_reader_as_before() -> None:
    net = NetBuilder((1, 3, 5, 5))
    x = net.conv(net.input, 3, name="conv")
    y = net.node("Conv", [x, "conv.weight", "conv.bias"], name="again")
    model = holds(fold_batch_norm, net.proto(net.batch_norm(y), x), tolerance=TOLERANCE)
    assert ops(model) == ["Conv", "Conv"]


def test_alone_it_is_a_depthwise_layer() -> None:
    net = NetBuilder((1, 3, 5, 5))
    model = holds(fold_batch_norm, net.proto(net.batch_norm(net.node("Relu", [net.input]))), tolerance=TOLERANCE)
    assert ops(model) == ["Relu", "Conv"]
    assert kind_of(model.graph[1]) is Kind.DEPTHWISE


def test_alone_on_vectors_it_is_mul_and_add() -> None:
    net = NetBuilder((4, 3))
    assert ops(holds(fold_batch_norm, net.proto(net.batch_norm(net.input)), tolerance=TOLERANCE)) == ["Mul", "Add"]


def test_statistics_that_are_computed_stay() -> None:
    net = NetBuilder((1, 3, 5, 5))
    net.inputs["mean"] = (3,)
    names = [net.constant(name, np.ones(3, np.float32)) for name in ("gamma", "beta", "var")]
    y = net.node("BatchNormalization", [net.input, names[0], names[1], "mean", names[2]])
    holds(fold_batch_norm, net.proto(y), changes=False)
