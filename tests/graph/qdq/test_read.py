"""The view of a QDQ file means what the file means, whoever wrote it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from sepia.graph.load import load_graph
from sepia.graph.passes import canonicalize
from sepia.graph.qdq import QuantizedModel, read_qdq
from support.fake_quant import PairStrewer, codes_in_file, codes_in_view, with_pairs
from support.graphs import NetBuilder, random_input, run_graph, tiny_separable
from support.passes import loaded


def same_meaning(proto: onnx.ModelProto, view: QuantizedModel, feeds: dict[str, np.ndarray]) -> None:
    """Outputs equal bit by bit, and every code of every value that both have."""
    in_file, in_view = codes_in_file(proto, view), codes_in_view(view)
    both = sorted(set(in_file) & set(in_view))
    expected = run_graph(proto, feeds, also=tuple(in_file[name] for name in both))
    found = run_graph(with_pairs(view), feeds, also=tuple(in_view[name] for name in both))
    for name in both:
        np.testing.assert_array_equal(found[in_view[name]], expected[in_file[name]], err_msg=name)
    for info in proto.graph.output:
        np.testing.assert_array_equal(found[info.name], expected[info.name], err_msg=info.name)


class Samples(CalibrationDataReader):
    def __init__(self, proto: onnx.ModelProto) -> None:
        self.samples = iter([random_input(proto, seed=seed) for seed in range(4)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.samples, None)


def by_onnx_runtime(proto: onnx.ModelProto, folder: Path, **options: object) -> onnx.ModelProto:
    """ONNX Runtime's own static quantisation, QDQ."""
    source, result = folder / "float.onnx", folder / "qdq.onnx"
    source.write_bytes(proto.SerializeToString())
    quantize_static(source, result, Samples(proto), quant_format=QuantFormat.QDQ, **options)
    return onnx.load(str(result))


@pytest.mark.parametrize("activations", [QuantType.QUInt8, QuantType.QInt8], ids=["uint8", "int8"])
@pytest.mark.parametrize("per_channel", [True, False], ids=["per channel", "per tensor"])
@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"DedicatedQDQPair": True},
        {"AddQDQPairToWeight": True},
        {"ActivationSymmetric": True},
    ],
    ids=["plain", "pair a reader", "float weights", "symmetric"],
)
def test_onnx_runtimes_files(activations: QuantType, per_channel: bool, extra: dict[str, bool], tmp_path: Path) -> None:
    proto = by_onnx_runtime(
        tiny_separable(), tmp_path, per_channel=per_channel, activation_type=activations,
        weight_type=QuantType.QInt8, extra_options=extra,
    )  # fmt: skip
    view = read_qdq(loaded(proto))
    assert {node.op_type for node in view.model.graph} & {"QuantizeLinear", "DequantizeLinear"} == set()
    layers = [node for node in view.model.graph if node.op_type in ("Conv", "Gemm", "Add", "GlobalAveragePool")]
    assert all(view.runs_in_int8(node) for node in layers) or extra.get("ActivationSymmetric")
    assert len(layers) == 12
    assert {view.params[f"{node.name}.weight"].dtype for node in layers if len(node.inputs) == 3} == {"int8"}
    same_meaning(proto, view, random_input(proto, seed=9))


@pytest.mark.parametrize("size", [(24,), (6, 6, 6)], ids=["1-D", "3-D"])
def test_other_ranks(size: tuple[int, ...], tmp_path: Path) -> None:
    proto = by_onnx_runtime(tiny_separable(size), tmp_path, per_channel=True, weight_type=QuantType.QInt8)
    same_meaning(proto, read_qdq(loaded(proto)), random_input(proto, seed=9))


def test_canonical_first_means_the_same(tmp_path: Path) -> None:
    proto = by_onnx_runtime(tiny_separable(), tmp_path, per_channel=True, weight_type=QuantType.QInt8)
    view = read_qdq(canonicalize(loaded(proto)))
    assert all(view.runs_in_int8(node) for node in view.model.graph)
    same_meaning(proto, view, random_input(proto, seed=9))


def mixed_network(seed: int) -> onnx.ModelProto:
    """Layers without bias, clips, joins and moves, one of each at least."""
    net = NetBuilder((1, 4, 8, 8), seed=seed)
    net.constant("zero", np.float32(0))
    net.constant("six", np.float32(6))
    x = net.conv(net.input, 6, kernel=3, bias=False, name="stem")
    x = net.node("Clip", [x, "zero", "six"]) if seed % 2 else net.node("Relu", [x])
    y = net.node("Relu", [net.depthwise(x, bias=False, name="dw")])
    x = net.node("Add", [net.conv(y, 6, bias=False, name="pw"), x])
    pool = net.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    other = net.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
    x = net.node("Concat", [pool, other], axis=1, channels=12)
    x = net.node("Pad", [x, net.constant("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1]))])
    x = net.node("Transpose", [net.node("Relu", [x])], perm=[0, 1, 3, 2])
    x = net.node("Resize", [x, "", net.constant("scales", np.array([1, 1, 2, 2], np.float32))], mode="nearest")
    x = net.node("Mul", [x, net.node("Sigmoid", [x])])
    x = net.node("Reshape", [net.node("GlobalAveragePool", [x]), net.constant("flat", np.array([1, 12]))], channels=12)
    head = net.constant("head.weight", net.rng.normal(size=(3, 12)).astype(np.float32))
    x = net.node("Gemm", [x, head], transB=1, channels=3)
    return net.proto(net.node("Softmax", [x], axis=-1))


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_pairs_in_any_place(seed: int) -> None:
    proto = PairStrewer(mixed_network(seed % 7), seed).strewn()
    view = read_qdq(loaded(proto))
    assert "DequantizeLinear" not in {node.op_type for node in view.model.graph}
    same_meaning(proto, view, random_input(proto, seed=seed))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_pairs_in_any_place_of_the_canonical_form(seed: int) -> None:
    proto = PairStrewer(mixed_network(seed % 7), seed).strewn()
    view = read_qdq(canonicalize(loaded(proto)))
    feeds = random_input(proto, seed=seed)
    expected, found = run_graph(proto, feeds), run_graph(with_pairs(view), feeds)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=1e-6)


def test_a_float_network_has_no_parameters() -> None:
    proto = tiny_separable()
    view = read_qdq(loaded(proto))
    assert (view.params, view.codes) == ({}, {})
    assert not any(view.runs_in_int8(node) for node in view.model.graph)
    feeds = random_input(proto)
    np.testing.assert_array_equal(run_graph(view.model, feeds)["logits"], run_graph(proto, feeds)["logits"])


def test_the_model_it_reads_is_left_alone(tmp_path: Path) -> None:
    proto = by_onnx_runtime(tiny_separable(), tmp_path, per_channel=True)
    (tmp_path / "model.onnx").write_bytes(proto.SerializeToString())
    model = load_graph(tmp_path / "model.onnx")
    before = [node.op_type for node in model.graph]
    model.metadata_props["sepia.labels"] = "cat"
    view = read_qdq(model)
    assert [node.op_type for node in model.graph] == before
    assert view.model.metadata_props["sepia.labels"] == "cat"
