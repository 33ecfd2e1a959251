"""What int8 weights and biases must keep to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sepia.errors import UnsupportedOps
from sepia.export.onnx_to_tflite import check_tflite, tflite_in_float
from sepia.graph.load import load_graph
from sepia.graph.qdq import read_qdq
from support.tflite_files import Net, gap, program_of, translated

GRID = (0.0213, 117)


def conv(net: Net, **rest: object) -> str:
    x = net.input(1, 4, 5, 6)
    return net.weighted("Conv", x, (6, 4, 3, 3), channels=6, kernel_shape=[3, 3], spread=0.2, **rest)  # type: ignore[arg-type]


def test_codes_and_scales_are_the_qdq_file_s_bit_for_bit(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    program = program_of(translated(net.save(tmp_path, conv(net))))
    layer = program.operators[1]
    held = {name.split(".")[1]: array for name, array in net.constants.items() if "." in name}
    _, weight, bias = layer.inputs
    assert weight is not None
    assert bias is not None
    assert weight.quantization is not None
    assert bias.quantization is not None
    assert weight.data is not None
    np.testing.assert_array_equal(weight.data.transpose(0, 3, 1, 2), held["weight_quantized"])
    np.testing.assert_array_equal(bias.data, held["bias_quantized"])
    assert weight.quantization.scale.tobytes() == held["weight_scale"].tobytes()
    assert bias.quantization.scale.tobytes() == held["bias_scale"].tobytes()
    assert not weight.quantization.zero_point.any()
    grid = layer.outputs[0].quantization
    assert grid is not None
    assert grid.scale.tolist() == [np.float32(GRID[0])]
    assert grid.zero_point.tolist() == [GRID[1] - 128]


def in_float(net: Net, folder: Path, y: str) -> str:
    """The one reason why the layer is no int8; its codes are still the file's but for rounding."""
    path = net.save(folder, y)
    (refusal,) = tflite_in_float(read_qdq(load_graph(path)))
    found = gap(net, folder, y)
    assert found.lsb.max() <= 1
    assert found.equal > 0.99
    return refusal.reason


def test_asymmetric_weights_run_in_float_and_it_is_told(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    y = conv(net)
    name = next(name for name in net.constants if name.endswith("weight_zero_point"))
    codes = next(name for name in net.constants if name.endswith("weight_quantized"))
    net.constants[name][2] = 100  # codes down to −127 are farther from it than int8 can say
    net.constants[codes][2, 0] = -120
    assert "weights with zero point 0" in in_float(net, tmp_path, y)


def test_asymmetric_weights_that_fit_run_in_int8(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    y = conv(net)
    name = next(name for name in net.constants if name.endswith("weight_zero_point"))
    codes = next(name for name in net.constants if name.endswith("weight_quantized"))
    net.constants[name][2] = 3
    net.constants[codes][2] = np.maximum(net.constants[codes][2], -100)
    program = program_of(translated(net.save(tmp_path, y)))
    weight = next(op for op in program.operators if op.op == "CONV_2D").inputs[1]
    assert weight is not None
    assert weight.data is not None
    np.testing.assert_array_equal(weight.data[2].transpose(2, 0, 1), net.constants[codes][2] - 3)


def test_a_bias_on_another_grid_is_refused(tmp_path: Path) -> None:
    """The reader of QDQ files settles biases; the writer still looks, for no runtime does."""
    net = Net(grid=GRID)
    quantized = read_qdq(load_graph(net.save(tmp_path, conv(net))))
    name = next(name for name in quantized.params if name.endswith("bias"))
    held = quantized.params[name]
    moved = replace(held, scale=held.scale * np.float32(1.001))
    (refusal,) = check_tflite(replace(quantized, params={**quantized.params, name: moved}))
    assert "a bias of int32 with scale s_in · s_w" in refusal.reason
    assert check_tflite(quantized) == ()


def test_a_float_bias_is_rounded_to_the_grid(tmp_path: Path) -> None:
    """Other quantisers leave it so."""
    net = Net(grid=GRID)
    y = conv(net, bias=False)
    layer = next(node for node in net.nodes if node.op_type == "Conv")
    layer.input.append(net.constant(np.linspace(-1, 1, 6, dtype=np.float32)))
    found = gap(net, tmp_path, y)
    assert found.lsb.max() <= 1
    assert found.equal > 0.99


def test_a_float_bias_that_int32_cannot_hold_keeps_its_layer_in_float(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    y = conv(net, bias=False)
    layer = next(node for node in net.nodes if node.op_type == "Conv")
    layer.input.append(net.constant(np.array([1e9, 0, 0, 0, 0.5, -1e9], np.float32)))
    assert "a bias that fits into int32" in in_float(net, tmp_path, y)


def test_a_bias_at_the_end_of_int32_keeps_its_layer_in_float(tmp_path: Path) -> None:
    """brevitas clips the bias of a channel that never fires to −2^31; with a negative sum LiteRT would wrap round."""
    net = Net(grid=GRID)
    y = conv(net)
    name = next(name for name in net.constants if name.endswith("bias_quantized"))
    net.constants[name][1] = -(2**31)
    assert "sums that fit into int32" in in_float(net, tmp_path, y)


def test_weights_per_input_channel_run_in_float(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    y = net.weighted("Conv", net.input(1, 6, 5, 6), (6, 6, 1, 1), channels=6, axis=1, kernel_shape=[1, 1], bias=False)
    assert "weight scales per output channel" in in_float(net, tmp_path, y)


def test_computed_weights_are_refused(tmp_path: Path) -> None:
    net = Net()
    y = net.op("Conv", [net.input(1, 4, 5, 6), net.input(6, 4, 1, 1, name="w")], kernel_shape=[1, 1])
    with pytest.raises(UnsupportedOps, match="constant weights and bias"):
        translated(net.save(tmp_path, y))
