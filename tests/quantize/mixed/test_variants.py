"""Sets of layers in float: what they lose is what the file that is written for them loses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sepia.errors import QuantizeError
from sepia.inputs.calibration import CalibrationData
from sepia.quantize.mixed.variants import Variants
from sepia.quantize.recipes import RECIPES
from support.graphs import NetBuilder, run_graph, tiny_separable
from support.mixing import variants_of
from support.quantising import normal_data, quantised


def test_no_layer_in_float_is_the_quantisation_itself(tmp_path: Path) -> None:
    found, variants = variants_of(tiny_separable(), tmp_path)
    errors, rights = [], []
    for sample in found.data:
        (right,) = run_graph(onnx.load(str(found.source)), sample).values()
        (rounded,) = run_graph(onnx.load(str(found.path)), sample).values()
        errors.append(rounded.astype(np.float64) - right)
        rights.append(right.astype(np.float64))
    wanted = np.sqrt(np.mean(np.square(errors))) / np.std(rights)
    # Integer kernels and the float graph between pairs differ by single codes.
    assert variants.loss(()) == pytest.approx(wanted, rel=0.1)


def test_all_layers_in_float_lose_nothing(tmp_path: Path) -> None:
    _, variants = variants_of(tiny_separable(), tmp_path)
    assert variants.loss(variants.layers) == 0.0
    assert variants.network(variants.layers) is variants.model


def test_a_set_is_measured_once(tmp_path: Path) -> None:
    _, variants = variants_of(tiny_separable(), tmp_path)
    assert variants.loss(["head", "stem"]) == variants.loss(("stem", "head"))
    assert variants.measured == 1


def test_at_most_so_many_samples_spread_over_all(tmp_path: Path) -> None:
    data = normal_data({"image": (1, 3, 16, 16)}, 12)
    every = [sample["image"].sum() for sample in data]
    _, variants = variants_of(tiny_separable(), tmp_path, data=data, samples=5)
    seen = [every.index(sample["image"].sum()) for sample in variants.samples]
    assert seen == [0, 2, 4, 6, 8]


def test_the_worst_of_several_outputs_counts(tmp_path: Path) -> None:
    net = NetBuilder((1, 3, 8, 8))
    good = net.conv(net.input, 4, name="good")
    bad = net.conv(net.node("Relu", [net.conv(net.input, 4, name="first")], name="r"), 4, name="bad")
    _, variants = variants_of(net.proto(good, bad), tmp_path)
    # "good" alone in float takes nothing from the other output's loss.
    assert variants.loss({"good"}) == pytest.approx(variants.loss(()), rel=0.02)


def test_with_nearest_rounding_a_set_is_the_file_of_a_recipe_that_names_it(tmp_path: Path) -> None:
    names = ("block1.dw", "head")
    for folder in ("asked", "left"):
        (tmp_path / folder).mkdir()
    recipe = RECIPES["minmax"]
    asked = quantised(tiny_separable(), tmp_path / "asked", recipe=recipe.model_copy(update={"float_layers": names}))
    left = quantised(tiny_separable(), tmp_path / "left", recipe=recipe, leave=lambda task, fitted: names)
    assert asked.path.read_bytes() == left.path.read_bytes()
    nodes = [row.node for row in asked.summary.left_float]
    assert [row.node for row in left.summary.left_float] == nodes
    assert asked.summary.tensors == left.summary.tensors
    assert [row.layer for row in left.summary.layers] == [row.layer for row in asked.summary.layers]


def test_what_the_recipe_leaves_in_float_stays_there(tmp_path: Path) -> None:
    recipe = RECIPES["minmax"].model_copy(update={"float_layers": ("stem",)})
    _, variants = variants_of(tiny_separable(), tmp_path, recipe=recipe)
    assert "stem" not in variants.layers
    placement = variants.placement({"head"})
    assert not {"stem", "head"} & set(placement.int8)
    assert "block1.dw" in placement.int8


def _branching() -> onnx.ModelProto:
    """Concat, pools, a gate, a sum, activations that are dropped and such that are kept."""
    net = NetBuilder((1, 4, 8, 8))
    a = net.relu6(net.conv(net.input, 4, kernel=3, name="a"))
    b = net.node("Relu", [net.depthwise(a, name="b")])
    c = net.conv(a, 4, name="c")
    joined = net.node("Concat", [b, c], axis=1, name="joined", channels=8)
    pooled = net.node("MaxPool", [joined], name="pooled", kernel_shape=[2, 2], strides=[2, 2])
    d = net.conv(pooled, 8, name="d")
    gate = net.node("HardSigmoid", [net.conv(net.node("GlobalAveragePool", [d], name="mean"), 8, name="e")])
    gated = net.node("Mul", [d, gate], name="gated")
    summed = net.node("Relu", [net.node("Add", [gated, net.conv(gated, 8, name="f")], name="sum")])
    return net.proto(net.gemm(net.node("Flatten", [summed], axis=1, channels=128), 5))


@pytest.fixture(scope="module", params=["separable", "branching"])
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Variants:
    proto = tiny_separable() if request.param == "separable" else _branching()
    return variants_of(proto, tmp_path_factory.mktemp(request.param), recipe="minmax")[1]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_set_can_be_written_and_its_layers_have_float_weights(many: Variants, data: st.DataObject) -> None:
    floats = data.draw(st.sets(st.sampled_from(many.layers)))
    network = many.network(floats)
    names = {value.name for value in network.graph.initializers.values()}
    for layer in many.layers:
        assert (f"{layer}.weight" in names) == (layer in floats)
        assert (f"{layer}.weight_quantized" in names) == (layer not in floats)
    assert many.loss(floats) < 0.5


def test_no_samples(tmp_path: Path) -> None:
    data = CalibrationData("none", False, 0, lambda: iter(()))
    with pytest.raises(QuantizeError, match="no samples"):
        variants_of(tiny_separable(), tmp_path, data=data)
