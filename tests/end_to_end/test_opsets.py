"""The same network in the form of each ONNX opset: read, written in every format, quantised, the same outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from sepia.check.layers import check_layers
from sepia.check.network import Network
from sepia.check.verdict import verdicts
from sepia.errors import ModelError
from sepia.export.onnx_to_openvino import onnx_to_openvino
from sepia.export.onnx_to_tflite import onnx_to_tflite
from sepia.graph.load import load_graph, save_graph
from sepia.graph.passes import canonicalize
from sepia.quantize.quantize import quantize
from sepia.quantize.recipes import RECIPES
from sepia.runtime import RUNTIMES
from support.graphs import run_graph
from support.opset_nets import OPSETS, net_of_opset, qdq_net_of_opset
from support.quantising import normal_data

_FED = {"x": np.random.default_rng(3).normal(0, 1, (1, 3, 12, 12)).astype(np.float32)}


def as_the_file_says(proto: onnx.ModelProto, feeds: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """ONNX Runtime on the file as it is."""
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, feeds)
    return np.asarray(found)


def written(proto: onnx.ModelProto, folder: Path) -> Path:
    onnx.checker.check_model(proto, full_check=True)
    (folder / "theirs.onnx").write_bytes(proto.SerializeToString())
    return folder / "theirs.onnx"


@pytest.mark.parametrize("opset", OPSETS)
def test_float(opset: int, tmp_path: Path) -> None:
    proto = net_of_opset(opset)
    source = written(proto, tmp_path)
    wanted = as_the_file_says(proto, _FED)
    canonical = canonicalize(load_graph(source))
    np.testing.assert_allclose(run_graph(canonical, _FED)["y"], wanted, rtol=1e-5, atol=1e-6)
    kinds = {node.op_type for node in canonical.graph}
    assert kinds.isdisjoint({"BatchNormalization", "Dropout", "Squeeze", "Unsqueeze", "ReduceMean", "Upsample", "Pad"})
    assert {"Conv", "HardSwish", "Split", "Resize", "Gemm", "GlobalAveragePool"} <= kinds
    onnx_to_tflite(source, tmp_path / "net.tflite")
    onnx_to_openvino(source, tmp_path / "net.xml")
    for runtime, name in (("litert", "net.tflite"), ("openvino", "net.xml")):
        with Network(RUNTIMES[runtime], tmp_path / name) as network:
            (found,) = network.run(_FED)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5, err_msg=runtime)


@pytest.mark.slow
@pytest.mark.parametrize("opset", OPSETS)
def test_int8(opset: int, tmp_path: Path) -> None:
    source = tmp_path / "model.onnx"
    save_graph(canonicalize(load_graph(written(net_of_opset(opset), tmp_path))), source)
    data = normal_data({"x": (1, 3, 12, 12)})
    assert quantize(source, tmp_path / "int8.onnx", data, RECIPES["fast"]).left_float == ()
    rows = check_layers(tmp_path / "int8.onnx", ["onnxruntime", "litert", "openvino"], list(data), samples=2)
    ops = {row.layer: row.op for row in rows}
    broken = {verdict.runtime: [ops[layer] for layer in verdict.broken] for verdict in verdicts(rows) if verdict.broken}
    assert broken == {}


@pytest.mark.parametrize("opset", [opset for opset in OPSETS if opset >= 10])
def test_a_quantised_file(opset: int, tmp_path: Path) -> None:
    """QuantizeLinear and DequantizeLinear changed in 13, 19, 21, 23 and 24: the codes are the file's own in each."""
    proto = qdq_net_of_opset(opset)
    source = written(proto, tmp_path)
    feeds = {"x": np.random.default_rng(3).normal(0, 1, (1, 3, 8, 8)).astype(np.float32)}
    wanted = as_the_file_says(proto, feeds)
    onnx_to_tflite(source, tmp_path / "net.tflite")
    with Network(RUNTIMES["litert"], tmp_path / "net.tflite") as network:
        assert all(placement.precision == "int8" for placement in network.placements() if "CONV" in placement.op)
        (found,) = network.run(feeds)
    lsb = np.abs(np.rint((found - wanted) / 0.06))
    assert lsb.max() <= 2
    assert np.mean(lsb == 0) > 0.98


@pytest.mark.parametrize("opset", [6, 25])
def test_other_opsets_get_one_line(opset: int, tmp_path: Path) -> None:
    proto = net_of_opset(11)
    proto.opset_import[0].version = opset
    (tmp_path / "theirs.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(ModelError, match=f"has opset {opset}; accepted: a model of ONNX opset 7 to 24") as raised:
        load_graph(tmp_path / "theirs.onnx")
    assert "\n" not in str(raised.value)
