"""Half and double precision come out as float32, and compute the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper
from sepia.graph.load import load_graph
from sepia.graph.widen import widen_to_float32
from support.graphs import random_input, run_graph, tiny_separable


def narrowed(proto: onnx.ModelProto, dtype: type, code: int) -> onnx.ModelProto:
    """The whole network in `dtype`, with a cast in and a cast out as half-precision converters write them."""
    for tensor in proto.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(dtype), tensor.name))
    for node in proto.graph.node:
        node.input[:] = ["image_narrow" if name == "image" else name for name in node.input]
        node.output[:] = ["logits_narrow" if name == "logits" else name for name in node.output]
    proto.graph.node.insert(0, helper.make_node("Cast", ["image"], ["image_narrow"], to=code))
    proto.graph.node.append(helper.make_node("Cast", ["logits_narrow"], ["logits"], to=TensorProto.FLOAT))
    del proto.graph.value_info[:]
    return proto


@pytest.mark.parametrize(("dtype", "code"), [(np.float16, TensorProto.FLOAT16), (np.float64, TensorProto.DOUBLE)])
def test_network_in_another_precision(dtype: type, code: int, tmp_path: Path) -> None:
    proto = tiny_separable()
    feeds = random_input(proto)
    rounded = onnx.ModelProto()
    rounded.CopyFrom(proto)
    for tensor in rounded.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            array = numpy_helper.to_array(tensor).astype(dtype).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    expected = run_graph(rounded, feeds)["logits"]
    path = tmp_path / "model.onnx"
    path.write_bytes(narrowed(proto, dtype, code).SerializeToString())
    model = load_graph(path)
    assert {value.dtype for node in model.graph for value in node.outputs} == {ir.DataType.FLOAT}
    np.testing.assert_array_equal(run_graph(model, feeds)["logits"], expected)


def test_inputs_and_outputs_in_half_precision() -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT16, [1, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT16, [1, 3])],
    )
    proto = helper.make_model(graph)
    assert widen_to_float32(proto)
    assert [info.type.tensor_type.elem_type for info in (*proto.graph.input, *proto.graph.output)] == [1, 1]


def test_float32_is_left_alone() -> None:
    proto = tiny_separable()
    before = proto.SerializeToString()
    assert not widen_to_float32(proto)
    assert proto.SerializeToString() == before
