"""Files of quantize_static whose pairs are of com.microsoft."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from sepia.errors import GraphError
from sepia.graph.contrib import standard_quantizers
from sepia.graph.qdq import read_qdq
from support.graphs import run_graph
from support.pairs import Quantised
from support.passes import loaded


def contrib(dtype: type = np.uint8) -> onnx.ModelProto:
    net = Quantised((1, 3, 4, 4))
    proto = net.proto(net.pair(net.node("Relu", [net.pair(net.input, 0.05, 3, dtype)]), 0.05, 0, dtype), opset=21)
    for node in proto.graph.node:
        if "Quantize" in node.op_type or "Dequantize" in node.op_type:
            node.domain = "com.microsoft"
    proto.opset_import[0].version = 20
    proto.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    del proto.graph.value_info[:]
    return proto


def test_they_mean_the_same() -> None:
    proto = contrib()
    model = loaded(proto)
    assert {node.domain for node in model.graph} == {""}
    assert {held.dtype for held in read_qdq(model).params.values()} == {"uint8"}
    feeds = {"image": np.random.default_rng(0).normal(0, 3, (1, 3, 4, 4)).astype(np.float32)}
    for name, array in run_graph(proto, feeds).items():
        np.testing.assert_array_equal(run_graph(model, feeds)[name], array)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_sixteen_bits_load_and_are_named_by_the_reader(dtype: type) -> None:
    model = loaded(contrib(dtype))
    assert model.opset_imports[""] == 21
    with pytest.raises(GraphError, match=f"has {np.dtype(dtype).name} codes"):
        read_qdq(model)


def test_a_standard_file_is_left_alone() -> None:
    net = Quantised((1, 3, 4, 4))
    proto = net.proto(net.pair(net.input))
    before = proto.SerializeToString()
    assert standard_quantizers(proto) is False
    assert proto.SerializeToString() == before
