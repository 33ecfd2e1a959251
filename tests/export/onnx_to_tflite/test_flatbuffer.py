from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.export.onnx_to_tflite.flatbuffer import read_program, write_program
from sepia.export.onnx_to_tflite.program import Options, Program, Quantization
from support.tflite_files import Net, translated


def data_offsets(data: bytes) -> list[int]:
    """Where each buffer's bytes start in the file."""
    model = schema.Model.GetRootAs(data, 0)
    whole = np.frombuffer(data, np.uint8)
    starts = []
    for number in range(model.BuffersLength()):
        held = model.Buffers(number).DataAsNumpy()
        if isinstance(held, np.ndarray) and held.size:
            starts.append(held.__array_interface__["data"][0] - whole.__array_interface__["data"][0])
    return starts


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(1, 70), min_size=1, max_size=6))
def test_every_constant_starts_on_a_multiple_of_16_bytes(sizes: list[int]) -> None:
    program = Program()
    x = program.inputs["x"] = program.tensor("x", (1,), "float32")
    for number, size in enumerate(sizes):
        weight = program.constant(f"w{number}", np.arange(size, dtype=np.int8) + np.int8(number))
        x_next = program.tensor("y", (1,), "float32")
        program.add("ADD", [x, weight], [x_next])
        x = x_next
    program.outputs["y"] = x
    program.metadata["sepia.labels"] = "odd"
    starts = data_offsets(write_program(program))
    assert len(starts) >= 2
    assert [start % 16 for start in starts] == [0] * len(starts)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    net = Net(grid=(0.02, 120))
    net.metadata = {"sepia.labels": '["räka"]', "producer": "torch"}
    x = net.input("batch", 3, 8, 8)
    x = net.weighted("Conv", x, (8, 3, 3, 3), channels=8, kernel_shape=[3, 3], spread=0.2)
    x = net.op("Softmax", [net.op("Flatten", [net.op("GlobalAveragePool", [x])])], grid=(1 / 256, 0))
    return translated(net.save(tmp_path_factory.mktemp("file"), x)).read_bytes()


def test_a_file_of_a_network_is_aligned_too(file: bytes) -> None:
    assert {start % 16 for start in data_offsets(file)} == {0}


def test_written_again_it_is_the_same_file(file: bytes) -> None:
    program = read_program(file)
    assert read_program(write_program(program)).listing() == program.listing()
    assert write_program(read_program(write_program(program))) == write_program(program)


def test_what_is_read_is_what_was_written() -> None:
    program = Program(name="net")
    grid = Quantization(np.array([0.5, 0.25], np.float32), np.zeros(2, np.int64), 3)
    ends = Quantization(grid.scale[:1], np.array([7]))
    x = program.inputs["bild"] = program.tensor("x", (-1, 4, 4, 2), "int8", ends)
    w = program.constant("w", np.arange(18, dtype=np.int8).reshape(1, 3, 3, 2), grid)
    y = program.outputs["ut"] = program.tensor("y", (-1, 4, 4, 2), "int8", ends)
    options = Options("DepthwiseConv2DOptions", {"padding": "SAME", "strideW": 1, "strideH": 2})
    program.add("DEPTHWISE_CONV_2D", [x, w, None], [y], options)
    program.metadata["sepia.labels"] = "å"
    found = read_program(write_program(program))
    assert (found.name, found.metadata, list(found.inputs), list(found.outputs)) == (
        "net", {"sepia.labels": "å"}, ["bild"], ["ut"]
    )  # fmt: skip
    (operator,) = found.operators
    assert operator.inputs[2] is None
    assert operator.options is not None
    assert {name: operator.options.fields[name] for name in ("padding", "strideW", "strideH")} == {
        "padding": "SAME", "strideW": 1, "strideH": 2
    }  # fmt: skip
    weight = operator.inputs[1]
    assert weight is not None
    assert weight.quantization is not None
    assert weight.quantization.same_as(grid)
    np.testing.assert_array_equal(weight.data, w.data)
    assert found.inputs["bild"].shape == (-1, 4, 4, 2)


def test_the_batch_is_1_in_the_shape_and_open_in_the_signature(file: bytes) -> None:
    graph = schema.ModelT.InitFromPackedBuf(file, 0).subgraphs[0]
    tensor = graph.tensors[graph.inputs[0]]
    assert tensor.shape.tolist() == [1, 8, 8, 3]
    assert tensor.shapeSignature.tolist() == [-1, 8, 8, 3]


def test_the_head_of_the_file(file: bytes) -> None:
    model = schema.ModelT.InitFromPackedBuf(file, 0)
    assert file[4:8] == b"TFL3"
    assert model.version == 3
    entries = {entry.name: bytes(model.buffers[entry.buffer].data) for entry in model.metadata}
    assert entries[b"min_runtime_version"] == b"1.14.0".ljust(16, b"\0")
    assert entries[b"sepia.labels"].decode() == '["räka"]'
    assert b"producer" not in entries
    signature = model.signatureDefs[0]
    assert signature.signatureKey == b"serving_default"
    assert [entry.name for entry in signature.inputs] == [b"x"]


def test_equal_bytes_are_written_once() -> None:
    program = Program()
    x = program.inputs["x"] = program.tensor("x", (4,), "float32")
    ones = np.ones(5000, np.float32)
    first, second = program.constant("a", ones), program.constant("b", ones.reshape(50, 100))
    middle, y = program.tensor("m", (4,), "float32"), program.tensor("y", (4,), "float32")
    program.add("ADD", [x, first], [middle])
    program.add("ADD", [middle, second], [y])
    program.outputs["y"] = y
    assert len(write_program(program)) < 1.2 * ones.nbytes
    assert first is not second
    assert program.constant("c", ones) is first


def test_more_than_a_flatbuffer_holds_is_refused() -> None:
    program = Program()
    x = program.inputs["x"] = program.tensor("x", (1,), "float32")
    huge = np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (2**29,), (0,))
    weight = program.tensor("w", huge.shape, "float32")
    weight.data = huge
    program.add("ADD", [x, weight], [x])
    program.outputs["x"] = x
    with pytest.raises(OverflowError, match="2147483647"):
        write_program(program)


def test_reading_is_what_a_path_holds(tmp_path: Path, file: bytes) -> None:
    (tmp_path / "net.tflite").write_bytes(file)
    ops = [operator.op for operator in read_program((tmp_path / "net.tflite").read_bytes()).operators]
    assert ops == ["QUANTIZE", "CONV_2D", "MEAN", "RESHAPE", "SOFTMAX", "DEQUANTIZE"]
