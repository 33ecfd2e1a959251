"""The QDQ file: names, layouts, pairs, and what a reader makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sepia.graph.load import load_graph
from sepia.graph.qdq import read_qdq
from support.graphs import NetBuilder, tiny_separable
from support.quantising import Quantised, quantised, with_values

_IMAGE = (1, 8, 10, 10)


def producers(net: Quantised) -> dict[str, onnx.NodeProto]:
    return {output: node for node in net.graph.node for output in node.output}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Quantised:
    return quantised(tiny_separable(), tmp_path_factory.mktemp("tiny"))


def test_every_pair_is_named_for_its_tensor(tiny: Quantised) -> None:
    for node in tiny.graph.node:
        if node.op_type == "QuantizeLinear":
            tensor = node.output[0].removesuffix("_quantized")
            assert list(node.input[1:]) == [f"{tensor}_scale", f"{tensor}_zero_point"]
            assert node.input[0] in (tensor, f"{tensor}_float")
            assert tiny.initializer(f"{tensor}_scale").shape == ()
            assert tiny.initializer(f"{tensor}_zero_point").dtype == np.uint8


def test_inputs_and_outputs_keep_their_names(tiny: Quantised) -> None:
    assert [info.name for info in tiny.graph.input] == ["image"]
    assert [info.name for info in tiny.graph.output] == ["logits"]
    made = producers(tiny)
    assert made["logits"].op_type == "DequantizeLinear"
    assert made["logits"].input[0] == "logits_quantized"
    assert made["logits_float"].op_type == "Gemm"


def test_weights_are_codes_alone_and_biases_are_on_the_accumulators_grid(tiny: Quantised) -> None:
    made = producers(tiny)
    for node in tiny.graph.node:
        if node.op_type not in ("Conv", "Gemm"):
            continue
        x, w, b = (made[name] for name in node.input)
        weight, scale, zero_point = (tiny.initializer(name) for name in w.input)
        assert weight.dtype == np.int8
        assert np.abs(weight.astype(int)).max() == 127
        assert not zero_point.any()
        assert [a.i for a in w.attribute if a.name == "axis"] == [0]
        bias, bias_scale, bias_zero = (tiny.initializer(name) for name in b.input)
        assert bias.dtype == np.int32
        assert not bias_zero.any()
        np.testing.assert_array_equal(bias_scale, tiny.initializer(x.input[1]) * scale)
    floats = [numpy_helper.to_array(t) for t in tiny.graph.initializer if t.data_type == TensorProto.FLOAT]
    assert max(array.ndim for array in floats) <= 1


def test_the_reader_finds_every_value_held_as_codes(tiny: Quantised) -> None:
    view = read_qdq(load_graph(tiny.path))
    for node in view.model.graph:
        assert node.op_type not in ("QuantizeLinear", "DequantizeLinear", "Clip")
        for value in (node.inputs[0], *node.outputs):
            assert value is not None
            assert value.name in view.params, node.name


def test_one_pair_serves_all_that_read_a_tensor_int8_or_float(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    x = net.conv(net.input, 8, name="x")
    y = net.conv(x, 8, kernel=3, name="y")
    t = net.node("Tanh", [x], name="t")
    made = quantised(net, tmp_path, net.node("Add", [y, t], name="sum"))
    readers = [node.op_type for node in made.graph.node if "x_dequantized" in node.input]
    assert readers == ["Conv", "Tanh"]
    assert sum(node.input[0] == "x" for node in made.graph.node) == 1


def test_an_output_that_is_read_inside_as_well(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    x = net.conv(net.input, 8, name="x")
    made = quantised(net, tmp_path, x, net.conv(x, 4, name="y"))
    assert {info.name for info in made.graph.output} == {"x", "y"}
    (reader,) = (node for node in made.graph.node if node.op_type == "Conv" and node.output[0] == "y_float")
    assert reader.input[0] == "x"


def test_a_weight_that_two_layers_share_is_stored_for_each(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    first = net.conv(net.input, 8, name="first")
    net.node("Conv", [first, "first.weight", "first.bias"], name="second", kernel_shape=[1, 1])
    made = quantised(net, tmp_path)
    weights = [name for name in producers(made) if "weight" in name]
    assert len(weights) == 2
    assert error_of(made) < 0.05


def test_a_network_without_biases_gets_them(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    net.conv(net.conv(net.input, 8, bias=False), 4, bias=False)
    made = quantised(net, tmp_path)
    assert all(len(node.input) == 3 for node in made.graph.node if node.op_type == "Conv")
    assert error_of(made) < 0.05


def test_a_constant_is_stored_as_codes_for_int8_readers_and_in_float_for_others(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    factor = net.constant("factor", np.linspace(-1, 2, 10, dtype=np.float32).reshape(1, 1, 10, 1))
    x = net.node("Mul", [net.conv(net.input, 8), factor], name="x")
    made = quantised(net, tmp_path, net.node("Max", [x, factor], name="y"))
    assert made.initializer("factor_quantized").dtype == np.uint8
    assert made.initializer("factor").dtype == np.float32
    (reader,) = (node for node in made.graph.node if node.op_type == "Mul")
    assert "factor_dequantized" in reader.input
    assert error_of(made) < 0.05


def test_a_transposed_convolution_has_its_channels_second(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    weight = net.constant("up.weight", net.rng.normal(0, 0.3, (8, 4, 2, 2)).astype(np.float32))
    net.node("ConvTranspose", [net.input, weight], name="y", kernel_shape=[2, 2], strides=[2, 2])
    made = quantised(net, tmp_path)
    assert made.initializer("up.weight_quantized").shape == (8, 4, 2, 2)
    assert made.initializer("up.weight_scale").shape == (4,)
    (node,) = (n for n in made.graph.node if n.output[0] == "up.weight_dequantized")
    assert [a.i for a in node.attribute if a.name == "axis"] == [1]


def test_requantised_inputs_of_concat(tmp_path: Path) -> None:
    net = NetBuilder(_IMAGE)
    gate = net.node("Sigmoid", [net.conv(net.input, 4)], name="gate")
    net.node("Concat", [net.conv(net.input, 4, name="w"), gate], name="y", axis=1)
    made = quantised(net, tmp_path)
    (reader,) = (node for node in made.graph.node if node.op_type == "Concat")
    pairs = [producers(made)[name] for name in reader.input]
    scales = [made.initializer(pair.input[1]) for pair in pairs]
    assert scales[0] == scales[1] == made.scale("y")
    assert made.scale("gate") == 1 / 256


def test_a_batch_that_varies_stays_so(tmp_path: Path) -> None:
    net = NetBuilder((1, 3, 12, 12))
    net.inputs[net.input] = ("N", 3, 12, 12)
    net.relu6(net.conv(net.input, 4, kernel=3, name="x"))
    made = quantised(net, tmp_path)
    (output,) = (info.name for info in made.graph.output)
    batch = {"image": np.repeat(made.sample()["image"], 3, axis=0)}
    found = with_values(made.path, [output], batch)[output]
    assert found.shape[0] == 3
    np.testing.assert_array_equal(found[0], found[2])


def test_a_fixed_batch_is_calibrated_with_single_samples(tmp_path: Path) -> None:
    from support.quantising import normal_data

    net = NetBuilder((4, 3, 12, 12))
    net.relu6(net.conv(net.input, 4, kernel=3, name="x"))
    one = quantised(net, tmp_path, data=normal_data({"image": (1, 3, 12, 12)}))
    assert one.summary.calibration.count == 8
    assert helper.tensor_dtype_to_np_dtype(one.graph.input[0].type.tensor_type.elem_type) == np.float32


def error_of(made: Quantised) -> float:
    """rms error against float, in standard deviations of the float output."""
    (output,) = (info.name for info in made.graph.output)
    expected, found = (with_values(path, [output], made.sample())[output] for path in (made.source, made.path))
    return float(np.sqrt(np.square(expected - found).mean()) / expected.std())
