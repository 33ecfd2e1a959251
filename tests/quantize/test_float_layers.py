"""Layers left in float by name: which nodes follow, and that every runtime runs those alone in float."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from sepia.check.layers import check_layers
from sepia.check.verdict import verdicts
from sepia.errors import ConfigError, QuantizeError, UnsupportedOps
from sepia.export.onnx_to_c import write_c
from sepia.export.onnx_to_openvino import onnx_to_openvino
from sepia.export.onnx_to_tflite import onnx_to_tflite
from sepia.graph.load import load_graph
from sepia.graph.passes import canonicalize
from sepia.graph.qdq import read_qdq
from sepia.quantize.float_layers import ASKED, named_nodes
from sepia.quantize.loss import measure_loss
from sepia.quantize.placement import Placement, place
from sepia.quantize.recipes import Recipe
from sepia.runtime import RUNTIMES
from support.fitted_tasks import inverted_residuals, smooth_data
from support.graphs import NetBuilder, run_graph, tiny_separable
from support.quantising import Quantised, int8_kernels, quantised


def without(folder: Path, *names: str) -> Quantised:
    return quantised(tiny_separable(), folder, recipe=Recipe(name="mixed", float_layers=names))


def left(found: Quantised | Placement) -> dict[str, str]:
    rows = found.summary.left_float if isinstance(found, Quantised) else found.left_float
    return {row.node: row.reason for row in rows}


def placed(folder: Path, net: NetBuilder, *asked: str) -> Placement:
    path = net.save(folder / "net.onnx", net.nodes[-1].output[0])
    return place(canonicalize(load_graph(path)), float_nodes=dict.fromkeys(asked, ASKED))


@pytest.fixture
def model(tmp_path):
    (tmp_path / "net.onnx").write_bytes(tiny_separable().SerializeToString())
    return canonicalize(load_graph(tmp_path / "net.onnx"))


def test_names_and_patterns_in_the_order_of_the_graph(model):
    assert named_nodes(model, ["head", "block3.*", "block3.dw"]) == ("block3.expand", "block3.dw", "head")
    assert named_nodes(model, []) == ()


@pytest.mark.parametrize(
    ("name", "told"), [("block1.dv", "did you mean block1.dw or"), ("block9.*", "no node's name fits 'block9.*'")]
)
def test_an_unknown_name_is_an_error_with_the_nearest(name, told, tmp_path):
    with pytest.raises(ConfigError, match="float_layers") as error:
        without(tmp_path, "head", name)
    assert told in str(error.value)
    assert not (tmp_path / "int8.onnx").exists()


def test_all_layers_in_float_is_nothing_to_quantise(tmp_path):
    with pytest.raises(QuantizeError, match=r"nothing to quantise .*Conv: asked for by the recipe"):
        without(tmp_path, "*")


def test_the_activation_of_a_layer_goes_with_it(tmp_path):
    found = left(without(tmp_path, "block1.dw"))
    assert found.pop("block1.dw") == ASKED
    assert list(found.values()) == ["the activation of 'block1.dw', which is in float"]


def test_an_activation_that_is_not_alone_stays_int8(tmp_path):
    net = NetBuilder((1, 3, 8, 8))
    x = net.conv(net.input, 4, name="x")
    net.conv(net.node("Add", [net.node("Relu", [x], name="y"), x], name="sum"), 4, name="z")
    assert left(placed(tmp_path, net, "x")) == {"x": ASKED}


def test_what_has_float_layers_all_around_goes_with_them(tmp_path):
    found = left(without(tmp_path, "head", "fc"))
    assert found["pool"] == found["features"] == "has nothing around it but layers in float"
    # One neighbour in int8 keeps a pair there anyway.
    (tmp_path / "other").mkdir()
    assert "pool" not in left(without(tmp_path / "other", "head"))


def test_a_sum_is_float_only_with_all_that_it_joins(tmp_path):
    around = ("block2.project", "block1.pw", "block2.expand", "block3.expand")
    assert left(without(tmp_path, *around))["block2.add"] == "has nothing around it but layers in float"
    (tmp_path / "other").mkdir()
    assert "block2.add" not in left(without(tmp_path / "other", *around[1:]))


def test_a_sum_with_int8_all_around_is_int8_whatever_is_asked(tmp_path):
    with pytest.raises(ConfigError, match=r"'block2.add' has no weights and int8 all around"):
        without(tmp_path, "block2.add")
    assert left(without(tmp_path, "block2.add*")) == {}
    (tmp_path / "other").mkdir()
    assert left(without(tmp_path / "other", "block2.add", "block2.project"))["block2.add"] == ASKED


@pytest.mark.parametrize("name", ["stem", "block1.dw", "block1.pw", "block2.dw", "block2.project", "head", "fc"])
def test_onnx_runtime_runs_it_in_float_and_no_other(name, tmp_path):
    """It would quantise float weights between pairs of one scale itself, per tensor, when it loads the file."""
    kernels = [line.split()[0] for line in int8_kernels(without(tmp_path, name).path, tmp_path)]
    assert sum(kernel in ("Conv", "FusedConv", "Gemm") for kernel in kernels) == 1
    assert sum(kernel in ("QLinearConv", "QGemm") for kernel in kernels) == 9


def test_the_file_means_the_same_with_and_without_optimisation(tmp_path):
    """Rounded per tensor, one great weight would leave the others of its layer two bits."""
    proto = tiny_separable()
    for tensor in proto.graph.initializer:
        if tensor.name in ("block1.dw.weight", "block2.project.weight"):
            array = numpy_helper.to_array(tensor).copy()
            array[0].flat[0] = 40 * np.abs(array).max()
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    found = quantised(proto, tmp_path, recipe=Recipe(float_layers=("block1.dw", "block2.project")))
    session = onnxruntime.InferenceSession(str(found.path), providers=["CPUExecutionProvider"])
    (fast,) = session.run(None, found.sample())
    (plain,) = run_graph(onnx.load(str(found.path)), found.sample()).values()
    # Single codes of hidden layers flip.
    assert np.abs(fast - plain).max() < 0.02 * plain.std()


def test_float_weights_are_in_the_file_as_they_were(tmp_path):
    found = without(tmp_path, "block2.dw")
    source = {t.name: numpy_helper.to_array(t) for t in onnx.load(str(found.source)).graph.initializer}
    np.testing.assert_array_equal(found.initializer("block2.dw.weight"), source["block2.dw.weight"])
    assert found.initializer("block2.expand.weight_quantized").dtype == np.int8


def test_the_input_of_a_float_layer_has_one_grid_for_whoever_reads_the_file(tmp_path):
    found = without(tmp_path, "block2.expand")  # block1.pw's output is read by it and, in int8, by the sum
    view = read_qdq(load_graph(found.path))
    held = view.params["block1.pw"]
    assert not held.per_channel
    assert float(held.scale[0]) == found.scale("block1.pw")
    # Its Clip is gone: the grid behind it does the same.
    assert [node.name for node in view.model.graph if not view.runs_in_int8(node)] == ["block2.expand"]


@pytest.mark.parametrize(
    "names", [("block1.dw",), ("block2.*",), ("stem", "head", "fc"), ("block1.pw", "block2.expand")]
)
def test_every_translation_carries_it(names, tmp_path):
    found = without(tmp_path, *names)
    rows = check_layers(found.path, ["litert", "openvino"], list(found.data), samples=2)
    assert all(verdict.passed for verdict in verdicts(rows)), rows
    onnx_to_tflite(found.path, tmp_path / "net.tflite")
    onnx_to_openvino(found.path, tmp_path / "net.xml")
    convolutions = sum(op in ("Conv", "Gemm") for op in (row.op for row in found.summary.left_float))
    for runtime, path in (("litert", tmp_path / "net.tflite"), ("openvino", tmp_path / "net.xml")):
        with RUNTIMES[runtime].open(path) as session:
            ran = [row for row in session.placements() if "conv" in row.op.lower() or "fully" in row.op.lower()]
        assert sum(row.precision == "float32" for row in ran) == convolutions, (runtime, ran)
        assert sum(row.precision == "int8" for row in ran) == 10 - convolutions, (runtime, ran)


def test_the_c_program_refuses_it_and_names_it(tmp_path):
    found = without(tmp_path, "block1.dw")
    with pytest.raises(UnsupportedOps, match=r"'block1.dw' \(Conv, depthwise, rank 4\): 'block1.dw.weight' is float"):
        write_c(found.path, tmp_path / "c")


def test_the_same_names_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = without(tmp_path / "one", "head", "stem"), without(tmp_path / "two", "stem", "head")
    assert one.path.read_bytes() == two.path.read_bytes()


def test_no_names_change_nothing(tmp_path):
    assert left(without(tmp_path)) == {}
    names = {tensor.name for tensor in without(tmp_path).graph.initializer}
    assert not any("_for_" in name for name in names)


@pytest.mark.parametrize(
    "settings",
    [
        {"rounding": "second-moments"},
        {"rounding": "adaround"},
        {"learn_blocks": True},
        {"learn_ranges": True},
        {"distill": 40},
        {"rounding": "second-moments", "learn_blocks": True, "distill": 40, "even_streams": True},
    ],
    ids=lambda settings: "-".join(settings),
)
def test_techniques_that_learn_leave_it_as_it_was(settings, tmp_path):
    net, data = inverted_residuals(), smooth_data(24)
    asked = next(node.output[0] for node in net.nodes if node.op_type == "Conv" and node.input[0] != "image")
    files = []
    for name, more in (("plain", {}), ("learned", settings)):
        (tmp_path / name).mkdir()
        recipe = Recipe(name=name, float_layers=(asked,), **more)
        files.append(quantised(net, tmp_path / name, recipe=recipe, data=data))
    plain, learned = files
    assert left(learned) == left(plain)
    weights = {
        found.path.parent.name: [
            numpy_helper.to_array(tensor)
            for node in found.graph.node
            if node.op_type == "Conv" and node.output[0] == asked
            for tensor in found.graph.initializer
            if tensor.name in node.input[1:]
        ]
        for found in files
    }
    assert len(weights["plain"]) == 2
    if "even_streams" not in settings:
        assert all(np.array_equal(*pair) for pair in zip(weights["plain"], weights["learned"], strict=True))
    assert plain.path.read_bytes() != learned.path.read_bytes()
    unseen, real = smooth_data(24, seed=2), canonicalize(load_graph(learned.source))
    # Rounding alone: one layer that is read otherwise than it was written costs tens of percent.
    assert measure_loss(real, load_graph(learned.path), unseen, where="a test").relative < 0.05
