"""Means of layers' inputs from moments: of batch normalisation where there is one, else measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sepia.graph.load import load_graph
from sepia.graph.passes import canonicalize
from sepia.quantize.calibration.expected_inputs import Moments, batch_norm_moments, expected_inputs
from sepia.quantize.placement import place
from sepia.quantize.recipes import Recipe
from sepia.quantize.rounding.analytic_bias_correction import clipped_normal_mean
from support.graphs import NetBuilder, run_graph
from support.quantising import normal_data, quantised


def network() -> NetBuilder:
    """Layers behind: the input, Clip of a normalised value, Relu of a sum, a pool of the same, HardSwish."""
    net = NetBuilder((1, 3, 8, 8))
    x = net.relu6(net.batch_norm(net.conv(net.input, 4, name="first")))
    y = net.conv(x, 4, name="second")
    z = net.node("Relu", [net.node("Add", [y, net.conv(x, 4, name="third")])])
    z = net.node("HardSwish", [net.conv(z, 4, name="fourth")])
    z = net.node("GlobalAveragePool", [net.conv(z, 4, name="fifth")])
    net.gemm(net.node("Flatten", [z], axis=1), 3, name="last")
    return net


def test_a_clip_uses_the_normalisations_moments_and_the_rest_is_measured(tmp_path: Path) -> None:
    loaded = load_graph(network().save(tmp_path / "net.onnx", "last"))
    known = batch_norm_moments(loaded)
    assert set(known) == {"first"}
    tensors = {
        str(name): value.const_value.numpy() for name, value in loaded.graph.initializers.items() if value.const_value
    }
    np.testing.assert_allclose(known["first"].mean, tensors["bn.bias"])
    np.testing.assert_allclose(known["first"].std, np.abs(tensors["bn.weight"]))

    model, data = canonicalize(loaded), normal_data({"image": (1, 3, 8, 8)}, count=4)
    layers = {layer.name: layer for layer in place(model).layers}
    found = expected_inputs(model, tuple(layers.values()), known, data, where="net")
    names = {name: layers[name].source for name in layers}
    also = (*names.values(), "add_5", "fifth")
    runs = [run_graph(model, sample, also=tuple(name for name in also if name != "image")) | sample for sample in data]

    def measured(value: str) -> Moments:
        stacked = np.concatenate([run[value] for run in runs]).astype(np.float64)
        return Moments(stacked.mean(axis=(0, 2, 3)), stacked.std(axis=(0, 2, 3)))

    clipped = clipped_normal_mean(known["first"].mean, known["first"].std, 0.0, 6.0)
    for name in ("second", "third"):
        np.testing.assert_allclose(found[name][:, 0], clipped, rtol=1e-6)
    added = measured(
        next(node.inputs[0].name for node in model.graph if node.op_type == "Relu" and node.inputs[0]) or ""
    )
    expected = clipped_normal_mean(added.mean, added.std, 0.0, np.inf)
    np.testing.assert_allclose(found["fourth"][:, 0], expected, rtol=1e-4)
    np.testing.assert_allclose(found["first"][:, 0], measured("image").mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["fifth"][:, 0], measured(names["fifth"]).mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["last"][:, 0], measured("fifth").mean, rtol=1e-4, atol=1e-6)


def test_moments_are_those_of_values_that_are_there_after_folding(tmp_path: Path) -> None:
    net = NetBuilder((1, 3, 8, 8))
    alone = net.batch_norm(net.node("Relu", [net.conv(net.input, 4, name="first")]), name="alone")
    shared = net.conv(alone, 4, name="shared")
    apart = net.batch_norm(shared, name="apart")
    net.conv(net.node("Add", [shared, apart]), 2, name="last")
    loaded = load_graph(net.save(tmp_path / "net.onnx", "last"))
    model = canonicalize(loaded)
    there = {value.name for node in model.graph for value in node.outputs}
    found = set(batch_norm_moments(loaded))
    assert found == {alone, apart}
    assert found <= there


@pytest.mark.parametrize("changed", [False, True])
def test_a_recipe_corrects_with_them(tmp_path: Path, changed: bool) -> None:
    def biases(correction: str) -> dict[str, np.ndarray]:
        recipe = Recipe(name="one", weights="per-tensor", bias_correction=correction, equalize=changed)  # type: ignore[arg-type]
        found = quantised(network(), tmp_path, "last", recipe=recipe)
        return {
            name: found.initializer(f"{name}.bias_quantized")
            * found.initializer(f"{name}.bias_scale").astype(np.float64)
            for name in ("second", "fourth")
        }

    plain, analytic, empirical = (biases(name) for name in ("none", "analytic", "empirical"))
    for name in plain:
        assert np.abs(analytic[name] - plain[name]).max() > 0
    if changed:
        # Measured moments of a sum of normal values: close to the means themselves.
        moved, wanted = (np.concatenate([one[name] - plain[name] for name in plain]) for one in (analytic, empirical))
        assert np.abs(moved - wanted).max() < 0.3 * np.abs(wanted).max()
