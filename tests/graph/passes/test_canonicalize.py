"""The canonical form as a whole, on what it promises and on real networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from sepia.graph.cost import graph_cost, separable_share
from sepia.graph.describe import describe
from sepia.graph.load import load_graph
from sepia.graph.passes import PASSES, canonicalize
from support.graphs import NetBuilder, random_input, run_graph, tiny_separable
from support.passes import loaded, ops


def canonical(proto: onnx.ModelProto, *, tolerance: float = 1e-5) -> ir.Model:
    """The canonical form, held to the promises of `canonicalize`."""
    model = loaded(proto)
    before = describe(model)
    result = canonicalize(model)
    assert describe(model) == before, "the model that is read stays as it is"
    assert describe(canonicalize(result)) == describe(result)
    assert not any(step(result) for step in PASSES)
    onnx.checker.check_model(ir.to_proto(result), full_check=True)
    names = [node.name for node in result.graph]
    assert len(set(names)) == len(names)
    assert "" not in names
    assert [v.name for v in result.graph.inputs] == [v.name for v in model.graph.inputs]
    assert [v.name for v in result.graph.outputs] == [v.name for v in model.graph.outputs]
    feeds = random_input(proto)
    expected, found = run_graph(model, feeds), run_graph(result, feeds)
    for name, array in expected.items():
        assert np.abs(found[name] - array).max() <= tolerance * np.abs(array).max()
    return result


@pytest.mark.parametrize("size", [(16,), (16, 16), (8, 8, 8)], ids=["1-D", "2-D", "3-D"])
def test_tiny_networks(size: tuple[int, ...]) -> None:
    model = canonical(tiny_separable(size))
    assert set(ops(model)) == {"Conv", "Clip", "Add", "GlobalAveragePool", "Reshape", "Gemm"}
    assert [node.name for node in model.graph if node.op_type == "Conv"] == [
        "stem", "block1.dw", "block1.pw", "block2.expand", "block2.dw", "block2.project", "block3.expand", "block3.dw",
        "head",
    ]  # fmt: skip


def test_metadata_of_model_and_nodes_stays() -> None:
    net = NetBuilder((1, 3, 8, 8))
    proto = net.proto(
        net.batch_norm(net.conv(net.input, 4)), metadata={"sepia.preparation": "{}", "sepia.labels": "a\nb"}
    )
    proto.graph.node[0].metadata_props.add(key="origin", value="stem")
    model = canonical(proto)
    assert model.metadata_props == {"sepia.preparation": "{}", "sepia.labels": "a\nb"}
    assert model.graph[0].metadata_props["origin"] == "stem"


def test_dead_code_is_gone() -> None:
    net = NetBuilder((1, 3, 8, 8))
    net.node("Sigmoid", [net.conv(net.input, 4, name="unused")])
    model = canonical(net.proto(net.node("Relu", [net.input])))
    assert ops(model) == ["Relu"]
    assert not model.graph.initializers


def test_passes_that_make_work_for_one_another() -> None:
    """Dropout hides a BatchNormalization, Identity a Pad, shape arithmetic a Flatten."""
    net = NetBuilder((1, 3, 8, 8))
    x = net.node("Pad", [net.input, net.constant("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1]))])
    x = net.conv(net.node("Identity", [x]), 4, kernel=3, pad=0, name="conv")
    x = net.batch_norm(net.node("Dropout", [x]))
    x = net.node("AveragePool", [net.node("Relu", [x])], kernel_shape=[8, 8])
    start = net.node(
        "Slice", [net.node("Shape", [x]), net.constant("a", np.array([0])), net.constant("b", np.array([2]))]
    )
    model = canonical(net.proto(net.node("Reshape", [x, start])))
    assert ops(model) == ["Conv", "Relu", "GlobalAveragePool", "Reshape"]


def test_a_normalisation_waits_for_weights_that_are_computed() -> None:
    """As torch writes a missing bias without its optimisations: zero, cast to the input's type, spread."""
    net = NetBuilder((1, 3, 8, 8))
    net.conv(net.input, 4, name="conv")
    zero = net.node("CastLike", [net.constant("zero", np.float32(0)), net.input])
    bias = net.node("Expand", [zero, net.constant("four", np.array([4]))])
    x = net.node("Conv", [net.input, "conv.weight", bias], channels=4)
    assert ops(canonical(net.proto(net.batch_norm(x)))) == ["Conv"]


def test_dynamic_batch() -> None:
    proto = tiny_separable()
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n"
    proto.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "n"
    del proto.graph.value_info[:]
    model = canonical(proto)
    feeds = {"image": np.random.default_rng(0).normal(size=(3, 3, 16, 16)).astype(np.float32)}
    assert run_graph(model, feeds)["logits"].shape == (3, 5)


@pytest.mark.parametrize("network", ["lite0_float", "mobilenet_v2_float"])
def test_real_networks(network: str, request: pytest.FixtureRequest) -> None:
    model = canonical(onnx.load(str(request.getfixturevalue(network))))
    assert set(ops(model)) == {"Conv", "Clip", "Add", "GlobalAveragePool", "Reshape", "Gemm"}


def test_lite0_costs_what_was_published(lite0_float: Path) -> None:
    """385 M MACs and 4.652 M parameters; folding a normalisation turns its scale and shift into one bias a channel."""
    model = canonicalize(load_graph(lite0_float))
    costs = graph_cost(model)
    channels = sum(cost.output_shape[1] for cost in costs if cost.op == "Conv")
    assert sum(cost.macs for cost in costs) == 385_187_552
    assert sum(cost.params for cost in costs) + channels == 4_652_008
    assert round(separable_share(costs), 4) == 0.9685
