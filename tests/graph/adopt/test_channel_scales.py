"""Activations with scales per channel, as NNCF 3.4 (ONNX) quantises what a depthwise layer reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import onnx_ir.passes.common as common
import pytest
from sepia.graph.adopt import adopt
from sepia.graph.adopt.channel_scales import fold_channel_scales
from sepia.graph.qdq import read_qdq
from support.graphs import run_graph
from support.pairs import Quantised
from support.passes import loaded, ops

CHANNELS = 6
SCALES = np.array([0.01, 0.023, 6e-6, 0.0117, 0.0231, 0.002], np.float32)


def separable(
    *,
    between: str = "Clip",
    zero: Any = 0,
    dtype: type = np.uint8,
    bias: str = "float",
    multiplier: int = 1,
    also: str = "",
    weight_scale: Any = None,
) -> onnx.ModelProto:
    """pointwise → `between` → per-channel pair → depthwise → pair. also: what else reads the per-channel value."""
    net = Quantised((1, 4, 7, 7), seed=5)
    codes = net.rng.integers(-127, 128, (CHANNELS, 4, 1, 1)).astype(np.int8)
    scale = np.linspace(0.004, 0.02, CHANNELS) if weight_scale is None else weight_scale
    inputs = [net.pair(net.input, 0.03, 128), net.coded("pw.weight", codes, scale)]
    if bias == "float":
        inputs.append(net.constant("pw.bias", net.rng.normal(0, 0.5, CHANNELS).astype(np.float32)))
    elif bias == "codes":
        grid = (np.float32(0.03) * np.asarray(scale, np.float32)).astype(np.float32)
        inputs.append(net.coded("pw.bias", net.rng.integers(-2000, 2000, CHANNELS).astype(np.int32), grid))
    x = net.node("Conv", inputs, name="pw", channels=CHANNELS)
    if between == "Clip":
        x = net.node("Clip", [x, net.constant("low", np.float32(0)), net.constant("high", np.float32(6))], name="clip")
    elif between:
        x = net.node(between, [x], name="act")
    grid = net.grid("x", SCALES, zero, dtype)
    quantized = net.node("QuantizeLinear", [x, *grid], name="x_codes", axis=1)
    x = net.node("DequantizeLinear", [quantized, *grid], name="x_real", axis=1)
    filters = net.rng.integers(-127, 128, (CHANNELS * multiplier, 1, 3, 3)).astype(np.int8)
    weight = net.coded("dw.weight", filters, np.linspace(0.002, 0.03, CHANNELS * multiplier))
    y = net.node(
        "Conv",
        [x, weight],
        name="dw",
        channels=CHANNELS * multiplier,
        group=CHANNELS,
        pads=[1] * 4,
        kernel_shape=[3, 3],
    )
    ends = [net.pair(y, 0.04, 128)]
    if also:
        ends.append(net.node(also, [x], name="other"))
    return net.proto(*ends)


def feeds(seed: int = 0) -> dict[str, np.ndarray]:
    return {"image": np.random.default_rng(seed).normal(0, 2, (1, 4, 7, 7)).astype(np.float32)}


def compared(proto: onnx.ModelProto, *, codes: bool = True) -> Any:
    """The adopted model; its codes and outputs are the file's but for a tie that a float sum decides otherwise."""
    model = loaded(proto)
    assert fold_channel_scales(model) == ["1 activations with scales per channel put on one scale"]
    assert fold_channel_scales(model) == []
    common.RemoveUnusedNodesPass()(model)
    onnx.checker.check_model(ir.to_proto(model), full_check=True)
    for seed in range(3):
        expected, got = (run_graph(m, feeds(seed), also=("x_codes",) if codes else ()) for m in (proto, model))
        for name in set(expected) & set(got):
            difference = np.abs(got[name].astype(np.float64) - expected[name])
            assert difference.max() <= (1 if name == "x_codes" else 0.0401), name
            assert (difference > 1e-6).mean() <= 0.01, name
    view = read_qdq(model)
    assert all(held.axis is None for name, held in view.params.items() if name not in view.codes)
    return model


@pytest.mark.parametrize("bias", ["float", "codes", "none"])
def test_layers_before_and_behind_take_the_scales(bias: str) -> None:
    proto = separable(bias=bias)
    model = compared(proto)
    assert "Div" not in ops(model)
    assert "Mul" not in ops(model)
    assert "Clip" not in ops(model)
    view = read_qdq(model)
    assert all(view.runs_in_int8(node) for node in view.model.graph)
    theirs = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    stored = {name.split("_dequantized")[0]: codes for name, codes in view.codes.items()}
    np.testing.assert_array_equal(stored["pw.weight"], theirs["pw.weight_quantized"])
    np.testing.assert_array_equal(stored["dw.weight"], theirs["dw.weight_quantized"])


def test_one_scale_of_weights_becomes_one_a_channel() -> None:
    model = compared(separable(weight_scale=0.01))
    view = read_qdq(model)
    assert sorted(held.axis for name, held in view.params.items() if "weight" in name) == [0, 0]


def test_a_depth_multiplier() -> None:
    view = read_qdq(compared(separable(multiplier=2)))
    assert all(view.runs_in_int8(node) for node in view.model.graph)


def test_relu_stays() -> None:
    assert "Relu" in ops(compared(separable(between="Relu")))


def test_what_cannot_take_a_scale_is_divided_bit_for_bit() -> None:
    proto = separable(between="HardSwish", zero=-100, dtype=np.int8)
    model = compared(proto)
    assert ops(model).count("Div") == 1
    expected, found = (run_graph(m, feeds(), also=("x_codes",)) for m in (proto, model))
    np.testing.assert_array_equal(found["x_codes"], expected["x_codes"])


def test_other_readers_get_the_very_numbers() -> None:
    proto = separable(between="HardSwish", zero=-100, dtype=np.int8, also="Tanh")
    model = compared(proto)
    assert ops(model).count("Mul") == 1
    np.testing.assert_array_equal(run_graph(model, feeds())["other"], run_graph(proto, feeds())["other"])


def test_zero_points_that_differ_behind_a_clip_are_capped() -> None:
    """A channel that never fired in calibration has a symmetric range and zero point 0 (NNCF, preset mixed)."""
    zero = [-128, -128, 0, -128, -128, -128]
    model = compared(separable(zero=zero, dtype=np.int8), codes=False)
    assert ops(model).count("Min") == 1
    view = read_qdq(model)
    assert all(view.runs_in_int8(node) for node in view.model.graph)


def test_zero_points_that_differ_without_a_clip_stay_as_they_are() -> None:
    proto = separable(between="HardSwish", zero=[-100, -90, -100, -100, -100, -100], dtype=np.int8)
    model = loaded(proto)
    assert adopt(model).model is model
