"""Layers are found whole, keep their names, and compute alone what they compute in the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper
from sepia.check.cut import find_layers, write_cut
from sepia.errors import GraphError
from sepia.graph.kinds import Kind
from sepia.graph.load import load_graph
from support.exact_layer import exact_layer
from support.pairs import Quantised
from support.qdq_layers import QdqBuilder
from support.residual import RESIDUAL_INPUT, RESIDUAL_OUTPUT, residual_net


@pytest.fixture(scope="module", params=["uint8", "int8"])
def residual(request, tmp_path_factory) -> Path:
    return residual_net(request.param).save(tmp_path_factory.mktemp("net") / "net.onnx", RESIDUAL_OUTPUT)


def test_layers_come_in_order_with_their_names_kinds_and_tensors(residual):
    layers = find_layers(load_graph(residual))

    assert [(layer.name, str(layer.kind)) for layer in layers if layer.comparable] == [
        ("stem_node", "standard"),
        ("dw_node", "depthwise"),
        ("pw_node", "pointwise"),
        ("sum_node", "add"),
        ("pool_node", "pool"),
        ("features_node", "shape"),
        ("fc_node", "fully connected"),
    ]
    quantisation, *_, add, _, _, _ = layers
    assert (quantisation.kind, quantisation.floats, quantisation.comparable) == (Kind.QUANTIZE, ("image",), False)
    assert {tensor.real for tensor in add.reads} == {"stem", "pw"}
    assert [(made.codes, made.dequantized, made.shape) for made in add.makes] == [
        ("sum_quantized", "sum_dequantized", (1, 8, 4, 4))
    ]
    assert add.makes[0].params.scale == np.float32([0.05193])


def test_a_chain_of_cuts_gives_the_codes_of_the_exact_network(residual, tmp_path):
    model = load_graph(residual)
    rng = np.random.default_rng(1)
    known = {"image": rng.normal(0, 1, RESIDUAL_INPUT).astype(np.float32)}
    for layer in find_layers(model):
        write_cut(model, layer, tmp_path / "cut.onnx")
        feeds = {name: known[name] for name in [*(tensor.codes for tensor in layer.reads), *layer.floats]}
        session = ort.InferenceSession(tmp_path / "cut.onnx", providers=["CPUExecutionProvider"])
        names = [tensor.codes for tensor in layer.makes]
        known |= dict(zip(names, session.run(names, feeds), strict=True))
        if layer.kind in (Kind.QUANTIZE, Kind.SHAPE):
            continue
        for name, exact in exact_layer(tmp_path / "cut.onnx", feeds).items():
            distance = np.abs(known[name].astype(int) - exact.astype(int))
            assert np.unique(exact).size > 4, "codes that hardly vary would prove nothing"
            assert distance.max() <= 1
            assert np.mean(distance == 0) > 0.99


def test_float_inputs_and_outputs_give_the_same_codes(residual, tmp_path):
    model = load_graph(residual)
    rng = np.random.default_rng(2)
    for layer in [layer for layer in find_layers(model) if layer.comparable]:
        write_cut(model, layer, tmp_path / "codes.onnx")
        write_cut(model, layer, tmp_path / "float.onnx", io="float")
        codes = {t.codes: rng.integers(*_range(t), t.shape, t.params.dtype, endpoint=True) for t in layer.reads}
        reals = {t.real: t.params.dequantize(codes[t.codes]) for t in layer.reads}
        (made,) = layer.makes

        wanted = _run(tmp_path / "codes.onnx", made.codes, codes)
        found = _run(tmp_path / "float.onnx", made.dequantized, reals)

        np.testing.assert_array_equal(made.params.quantize(found), wanted)


def test_a_cut_is_a_valid_file_with_one_op_and_fixed_shapes(residual, tmp_path):
    model = load_graph(residual)
    layer = next(layer for layer in find_layers(model) if layer.name == "dw_node")

    write_cut(model, layer, tmp_path / "dw.onnx")

    cut = onnx.load(str(tmp_path / "dw.onnx"))
    onnx.checker.check_model(cut, full_check=True)
    ops = [node.op_type for node in cut.graph.node]
    assert sorted(ops) == ["Conv", "DequantizeLinear", "DequantizeLinear", "DequantizeLinear", "QuantizeLinear"]
    assert [d.dim_value for d in cut.graph.input[0].type.tensor_type.shape.dim] == [1, 8, 4, 4]


def test_cutting_leaves_the_model_as_it_was(residual, tmp_path):
    model = load_graph(residual)
    before = [layer.name for layer in find_layers(model)]
    for layer in find_layers(model):
        write_cut(model, layer, tmp_path / "cut.onnx", io="float" if layer.comparable else "codes")

    assert [layer.name for layer in find_layers(model)] == before


def test_an_activation_between_is_part_of_the_layer(tmp_path):
    net = QdqBuilder()
    x = net.input("image", (1, 4, 5, 5))
    net.layer("pw", "Conv", x, (8, 4, 1, 1))
    last_pair = net.nodes[-2:]
    net.nodes[-2:] = [helper.make_node("Relu", ["pw"], ["act"], name="act_node")]
    net.pair("act", 0.02, 0)
    assert last_pair
    model = load_graph(net.save(tmp_path / "net.onnx", "act_dequantized"))

    layer = find_layers(model)[-1]

    assert (layer.name, layer.op, layer.nodes) == ("pw_node", "Conv+Relu", ("pw_node", "act_node"))


def test_outputs_of_one_node_are_one_layer(tmp_path):
    net = QdqBuilder()
    x = net.input("image", (1, 4, 5, 5))
    net.initializers["parts"] = np.array([1, 3], np.int64)
    net.nodes.append(helper.make_node("Split", [x, "parts"], ["a", "b"], name="split_node", axis=1))
    ends = [net.pair("a", 0.02, 113), net.pair("b", 0.02, 113)]
    model = load_graph(net.save(tmp_path / "net.onnx", *ends))

    layer = find_layers(model)[-1]

    assert layer.name == "split_node"
    assert [made.shape for made in layer.makes] == [(1, 1, 5, 5), (1, 3, 5, 5)]


def test_a_free_batch_becomes_one(tmp_path):
    net = QdqBuilder()
    net.layer("pw", "Conv", net.input("image", (1, 4, 5, 5)), (8, 4, 1, 1))
    proto = net.proto("pw_dequantized")
    del proto.graph.value_info[:]
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    del proto.graph.output[0].type.tensor_type.shape.dim[:]
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    path = tmp_path / "net.onnx"
    path.write_bytes(onnx.shape_inference.infer_shapes(proto).SerializeToString())
    model = load_graph(path)
    layer = find_layers(model)[-1]

    write_cut(model, layer, tmp_path / "cut.onnx")

    cut = onnx.load(str(tmp_path / "cut.onnx"))
    dims = [
        dim.dim_value for end in (cut.graph.input[0], cut.graph.output[0]) for dim in end.type.tensor_type.shape.dim
    ]
    assert dims == [1, 4, 5, 5, 1, 8, 5, 5]


def test_a_float_file_is_refused(tmp_path):
    node = helper.make_node("Relu", ["x"], ["y"])
    ends = [helper.make_tensor_value_info(name, 1, [1, 2]) for name in "xy"]
    graph = helper.make_graph([node], "plain", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), tmp_path / "f.onnx")

    with pytest.raises(GraphError, match="nothing is quantised"):
        find_layers(load_graph(tmp_path / "f.onnx"))


def test_an_activation_may_have_a_scale_a_channel(tmp_path):
    net = QdqBuilder()
    net.layer("pw", "Conv", net.input("image", (1, 4, 5, 5)), (8, 4, 1, 1))
    net.initializers["pw_scale"] = np.linspace(0.02, 0.03, 8, dtype=np.float32)
    net.initializers["pw_zero_point"] = np.zeros(8, np.uint8)
    *_, layer = find_layers(load_graph(net.save(tmp_path / "net.onnx", "pw_dequantized")))

    (made,) = layer.makes
    assert (made.params.axis, made.params.scale.size, made.params.dtype) == (1, 8, "uint8")


def test_one_value_quantised_twice_is_two_inputs(tmp_path):
    """ONNX Runtime's DedicatedQDQPair."""
    net = Quantised((1, 4, 5, 5))
    x = net.node("Relu", [net.input], name="x")
    y = net.pair(net.node("Mul", [net.pair(x), net.pair(x)], name="y"))
    model = load_graph(net.save(tmp_path / "net.onnx", y))
    *_, layer = find_layers(model)

    assert len({tensor.real for tensor in layer.reads}) == 2
    write_cut(model, layer, tmp_path / "cut.onnx", io="float")
    cut = load_graph(tmp_path / "cut.onnx")
    assert sorted(value.name for value in cut.graph.inputs) == sorted(tensor.real for tensor in layer.reads)


def test_an_activation_of_sixteen_bits_is_refused(tmp_path):
    net = Quantised((1, 4, 5, 5))
    y = net.pair(net.node("Relu", [net.input], name="pw"), 0.001, 0, np.int16)

    with pytest.raises(GraphError, match=r"'pw_quantized_\d_node'.*to int16"):
        find_layers(load_graph(net.save(tmp_path / "net.onnx", y, opset=21)))


def test_a_deep_network_does_not_exhaust_the_stack(tmp_path):
    net = QdqBuilder()
    x = net.input("image", (1, 2, 2, 2))
    for at in range(800):
        x = net.op(f"relu{at}", "Relu", [x], scale=0.02, zero_point=0)
    model = load_graph(net.save(tmp_path / "net.onnx", x))

    assert len(find_layers(model)) == 801


def _range(tensor):
    return tensor.params.code_range


def _run(path: Path, output: str, feeds):
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run([output], feeds)[0]
