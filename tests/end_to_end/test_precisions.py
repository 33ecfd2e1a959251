"""float16, bfloat16 and float64 files: weights alone or the whole network, the same numbers in every format."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sepia.check.network import Network
from sepia.export.onnx_to_openvino import onnx_to_openvino
from sepia.export.onnx_to_tflite import onnx_to_tflite
from sepia.graph.load import load_graph, save_graph
from sepia.graph.passes import canonicalize
from sepia.runtime import RUNTIMES
from support.graphs import random_input, run_graph, tiny_separable

TYPES = {
    "float16": (np.float16, TensorProto.FLOAT16),
    "bfloat16": (ml_dtypes.bfloat16, TensorProto.BFLOAT16),
    "float64": (np.float64, TensorProto.DOUBLE),
}


def _weights(proto: onnx.ModelProto) -> list[onnx.TensorProto]:
    return [tensor for tensor in proto.graph.initializer if tensor.data_type == TensorProto.FLOAT]


def _narrowed(tensor: onnx.TensorProto, dtype: type) -> NDArray[np.float32]:
    return numpy_helper.to_array(tensor).astype(dtype).astype(np.float32)


def rounded(proto: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """The float32 network with weights that the narrow type holds: what the file means."""
    copy = onnx.ModelProto.FromString(proto.SerializeToString())
    for tensor in _weights(copy):
        tensor.CopyFrom(numpy_helper.from_array(_narrowed(tensor, TYPES[name][0]), tensor.name))
    return copy


def weights_alone(proto: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """Weights stored narrow, and a Cast to float32 in front of every reader: how converters shrink files."""
    copy = onnx.ModelProto.FromString(proto.SerializeToString())
    dtype, code = TYPES[name]
    casts = []
    for tensor in _weights(copy):
        held = f"{tensor.name}_narrow"
        casts.append(helper.make_node("Cast", [held], [tensor.name], name=f"{tensor.name}_cast", to=TensorProto.FLOAT))
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(dtype), held))
        assert tensor.data_type == code
    nodes = [*casts, *copy.graph.node]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy


def whole(proto: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """Weights, input, output and all between in the narrow type."""
    copy = onnx.ModelProto.FromString(proto.SerializeToString())
    dtype, code = TYPES[name]
    for tensor in _weights(copy):
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(dtype), tensor.name))
    for info in (*copy.graph.input, *copy.graph.output, *copy.graph.value_info):
        if info.type.tensor_type.elem_type == TensorProto.FLOAT:
            info.type.tensor_type.elem_type = code
    return copy


def inside(proto: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """`whole` between Casts, so that input and output stay float32: what `keep_io_types` of float16 tools makes."""
    copy = whole(proto, name)
    _, code = TYPES[name]
    (first,), (last,) = copy.graph.input, copy.graph.output
    for node in copy.graph.node:
        for index, value in enumerate(node.input):
            if value == first.name:
                node.input[index] = "narrow_in"
        for index, value in enumerate(node.output):
            if value == last.name:
                node.output[index] = "narrow_out"
    nodes = [
        helper.make_node("Cast", [first.name], ["narrow_in"], to=code),
        *copy.graph.node,
        helper.make_node("Cast", ["narrow_out"], [last.name], to=TensorProto.FLOAT),
    ]
    del copy.graph.node[:], copy.graph.value_info[:]
    copy.graph.node.extend(nodes)
    first.type.tensor_type.elem_type = last.type.tensor_type.elem_type = TensorProto.FLOAT
    return copy


@pytest.mark.parametrize("form", [weights_alone, whole, inside], ids=lambda form: form.__name__)
@pytest.mark.parametrize("name", TYPES)
def test_it_runs_as_float32(name: str, form: object, tmp_path: Path) -> None:
    proto = tiny_separable()
    feeds = random_input(proto)
    (wanted,) = run_graph(rounded(proto, name), feeds).values()
    theirs = form(proto, name)  # type: ignore[operator]
    (tmp_path / "theirs.onnx").write_bytes(theirs.SerializeToString())
    model = canonicalize(load_graph(tmp_path / "theirs.onnx"))
    assert "Cast" not in {node.op_type for node in model.graph}
    assert {str(value.dtype) for value in (*model.graph.inputs, *model.graph.outputs)} == {"FLOAT"}
    save_graph(model, tmp_path / "model.onnx")
    onnx_to_tflite(tmp_path / "model.onnx", tmp_path / "model.tflite")
    onnx_to_openvino(tmp_path / "model.onnx", tmp_path / "model.xml")
    for runtime, file in (("onnxruntime", "model.onnx"), ("litert", "model.tflite"), ("openvino", "model.xml")):
        with Network(RUNTIMES[runtime], tmp_path / file) as network:
            (found,) = network.run(feeds)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max(), err_msg=runtime)
