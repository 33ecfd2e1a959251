"""The whole road: networks, files, metadata, what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from sepia.errors import ConfigError, InputError, OutputError, UnsupportedOps
from sepia.export.onnx_to_tflite import check_tflite, onnx_to_tflite, read_metadata
from sepia.graph.load import load_graph
from sepia.runtime import RUNTIMES
from support.graphs import random_input, run_graph, tiny_separable
from support.pairs import Quantised
from support.tflite_files import Net, gap, left_over, program_of, run_tflite, translated

GRID = (0.0213, 117)


def block(net: Net) -> str:
    """Stem, inverted residual with its add, head: what MobileNetV2 is made of."""
    x = net.weighted(
        "Conv", net.input(1, 3, 16, 16, name="image"), (8, 3, 3, 3), channels=8, kernel_shape=[3, 3],
        strides=[2, 2], pads=[0, 0, 1, 1], spread=0.2,
    )  # fmt: skip
    y = net.weighted("Conv", x, (16, 8, 1, 1), channels=16, kernel_shape=[1, 1], spread=0.3)
    y = net.weighted(
        "Conv", y, (16, 1, 3, 3), channels=16, kernel_shape=[3, 3], group=16, pads=[1, 1, 1, 1], spread=0.3
    )
    y = net.weighted("Conv", y, (8, 16, 1, 1), channels=8, kernel_shape=[1, 1], spread=0.2)
    x = net.op("Flatten", [net.op("GlobalAveragePool", [net.op("Add", [x, y])])])
    return net.weighted("Gemm", x, (5, 8), channels=5, transB=1, spread=0.3)


def saved(net: Net, folder: Path) -> Path:
    return net.save(folder, block(net))


def test_a_separable_network(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    model = tiny_separable()
    source = tmp_path / "net.onnx"
    source.write_bytes(model.SerializeToString())
    path = translated(source)
    feeds = random_input(model)
    found, wanted = run_tflite(path, feeds), run_graph(model, feeds)
    np.testing.assert_allclose(found["logits"], wanted["logits"], atol=2e-6)
    assert left_over(path) == []
    golden("separable.txt", program_of(path).listing())


def test_a_quantised_block(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    net = Net(grid=GRID)
    path = translated(saved(net, tmp_path))
    assert left_over(path) == []
    assert "TRANSPOSE" not in {operator.op for operator in program_of(path).operators}
    golden("block.int8.txt", program_of(path).listing())


def test_int8_input_and_output(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    source = saved(net, tmp_path)
    path = translated(source, io="int8")
    program = program_of(path)
    assert [tensor.dtype for tensor in (*program.inputs.values(), *program.outputs.values())] == ["int8", "int8"]
    assert {"QUANTIZE", "DEQUANTIZE"} & {operator.op for operator in program.operators} == set()
    image = np.random.default_rng(0).normal(size=(1, 3, 16, 16)).astype(np.float32)
    codes = np.clip(np.rint(image / np.float32(GRID[0])) + GRID[1] - 128, -128, 127).astype(np.int8)
    (out,) = run_tflite(path, {"image": codes}).values()
    (real,) = run_tflite(translated(source), {"image": image}).values()
    np.testing.assert_array_equal((out.astype(np.float32) - (GRID[1] - 128)) * np.float32(GRID[0]), real)


def test_names_are_onnx_s(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    path = translated(saved(net, tmp_path))
    program = program_of(path)
    assert {name: tensor.name for name, tensor in program.inputs.items()} == {"image": "image"}
    assert all(name == tensor.name for name, tensor in program.outputs.items())
    names = [tensor.name for tensor in program.tensors()]
    assert len(names) == len(set(names))
    with RUNTIMES["litert"].open(path) as session:
        assert [info.name for info in session.inputs] == ["image"]


def test_metadata_and_layouts(tmp_path: Path) -> None:
    net = Net()
    net.metadata = {"sepia.preparation": '{"mean": [1]}', "producer": "somebody"}
    x = net.input(1, 3, 4, 5, name="image")
    y = net.op("Add", [x, x])
    flat = net.op("Flatten", [y])
    found = read_metadata(translated(net.save(tmp_path, y, flat)))
    assert found == {
        "sepia.preparation": '{"mean": [1]}',
        "sepia.layouts": f'{{"{y}": "NHWC", "{flat}": "as is", "image": "NHWC"}}',
    }


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    source = saved(Net(grid=GRID), tmp_path)
    first = translated(source).read_bytes()
    assert translated(source).read_bytes() == first


@pytest.mark.parametrize("activations", [np.int8, np.uint8])
def test_int8_and_uint8_activations_give_the_same_file(activations: type, tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    expected = translated(saved(Net(grid=GRID), tmp_path / "first")).read_bytes()
    net = Net(grid=GRID)
    y = block(net)
    if activations is np.int8:
        for name, array in net.constants.items():
            if array.dtype == np.uint8:
                net.constants[name] = (array.astype(np.int16) - 128).astype(np.int8)
    assert translated(net.save(tmp_path, y)).read_bytes() == expected


def test_ops_left_in_float_run_in_float_between_two_conversions(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    x = net.weighted("Conv", net.input(1, 4, 5, 6), (4, 4, 1, 1), channels=4, kernel_shape=[1, 1], spread=0.3)
    x = net.op("Sigmoid", [net.op("Tanh", [x], grid="float")], grid="float")
    y = net.weighted("Conv", net.pair(x, (1 / 255, 0)), (4, 4, 1, 1), channels=4, kernel_shape=[1, 1], spread=0.3)
    ops = [operator.op for operator in program_of(translated(net.save(tmp_path, y))).operators]
    assert ops == ["QUANTIZE", "CONV_2D", "DEQUANTIZE", "TANH", "LOGISTIC", "QUANTIZE", "CONV_2D", "DEQUANTIZE"]
    assert gap(net, tmp_path, y).lsb.max() <= 1


def test_an_output_that_is_an_input_or_an_output_twice(tmp_path: Path) -> None:
    net = Net()
    x = net.input(1, 3, 4, 5)
    y = net.op("Relu", [x])
    z = net.op("Transpose", [y], perm=[0, 1, 3, 2])
    assert gap(net, tmp_path, y, z).relative == 0
    net = Net()
    y = net.op("Transpose", [net.input(1, 3, 4, 5)], perm=[0, 1, 2, 3])
    assert gap(net, tmp_path, y).relative == 0


def test_nothing_is_written_where_something_is_refused(tmp_path: Path) -> None:
    net = Net()
    y = net.op("Mish", [net.op("Erf", [net.input(1, 4, 5, 6)])])
    destination = tmp_path / "out" / "net.tflite"
    with pytest.raises(UnsupportedOps) as caught:
        onnx_to_tflite(net.save(tmp_path, y), destination)
    assert len(caught.value.refusals) == 2
    assert "cannot be written as TFLite" in str(caught.value)
    assert not destination.exists()
    assert not destination.parent.exists()


def test_what_the_check_passes_is_written(tmp_path: Path) -> None:
    source = saved(Net(grid=GRID), tmp_path)
    assert check_tflite(load_graph(source)) == ()
    assert translated(source).exists()


def test_int8_ends_of_a_float_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no codes"):
        translated(saved(Net(), tmp_path), io="int8")
    assert not (tmp_path / "net.tflite").exists()


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    source = saved(Net(), tmp_path)
    (tmp_path / "out.tflite").mkdir()
    with pytest.raises(OutputError):
        onnx_to_tflite(source, tmp_path / "out.tflite")


@pytest.mark.parametrize("content", [None, b"", b"not a flatbuffer", b"\x1c\x00\x00\x00TFL3"])
def test_metadata_of_what_is_no_tflite_file(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"net\.tflite"):
        read_metadata(path)


def test_a_batch_that_is_chosen_later(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    x = net.input("batch", 3, 8, 8)
    x = net.weighted("Conv", x, (8, 3, 3, 3), channels=8, kernel_shape=[3, 3], spread=0.2, pads=[1, 1, 1, 1])
    y = net.weighted("Gemm", net.op("Flatten", [x]), (5, 512), channels=5, transB=1, spread=0.04)
    source = net.save(tmp_path, y)
    feeds = {"x": np.random.default_rng(0).normal(size=(3, 3, 8, 8)).astype(np.float32)}
    with RUNTIMES["litert"].open(translated(source)) as session:
        found = session.run({"x": feeds["x"].transpose(0, 2, 3, 1)})[y]
    wanted = run_graph(onnx.load(str(source)), feeds)[y]
    assert np.abs(np.rint((found - wanted) / GRID[0])).max() <= 1


def test_two_outputs_that_are_one_value_are_two_tensors(tmp_path: Path) -> None:
    """Codes with a DequantizeLinear for each reader, both of them outputs (ONNX Runtime's DedicatedQDQPair)."""
    net = Quantised((1, 3, 4, 4))
    x = net.node("Relu", [net.pair(net.input)], name="x")
    source = net.save(tmp_path / "net.onnx", net.pair(x), net.pair(x))
    onnx_to_tflite(source, tmp_path / "net.tflite", io="int8")
    program = program_of(tmp_path / "net.tflite")
    assert len(program.outputs) == 2
    assert len({id(tensor) for tensor in program.outputs.values()}) == 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (2, 3)])
def test_an_output_that_is_another_one_turned_keeps_its_name(shape: tuple[int, int], tmp_path: Path) -> None:
    net = Net()
    x = net.op("Relu", [net.input(*shape)])
    turned = net.op("Transpose", [x], perm=[1, 0])
    assert gap(net, tmp_path, turned, x).relative == 0
