"""The curve goes from all int8 to all float, and each point is what it says."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import onnx
import pytest
from onnx import numpy_helper
from sepia.quantize.mixed.curve import SHARES, curve
from sepia.quantize.recipes import Recipe
from support.graphs import NetBuilder, tiny_separable
from support.mixing import variants_of


@pytest.mark.parametrize("by", ["macs", "bytes"])
def test_from_int8_to_float(by, tmp_path: Path) -> None:
    recipe = Recipe(weights="per-tensor", ranges="minmax", bias_correction="none")
    _, variants = variants_of(tiny_separable(), tmp_path, recipe=recipe)
    points = curve(variants, by=by)
    assert points[0].float_layers == ()
    assert points[0].float_macs == 0.0
    assert points[-1].float_layers == variants.layers
    assert (points[-1].loss, points[-1].float_macs) == (0.0, pytest.approx(1.0))
    assert 3 <= len(points) <= len(SHARES)
    for before, after in pairwise(points):
        assert set(before.float_layers) < set(after.float_layers)
        assert after.loss < before.loss
        assert after.float_macs > before.float_macs
        assert after.weight_bytes > before.weight_bytes
    assert all(point.loss == variants.loss(point.float_layers) for point in points)


def test_the_float_network_is_there_once(tmp_path: Path) -> None:
    """Of two layers, the second in float is the float network, and comes down to every share at once."""
    net = NetBuilder((1, 3, 8, 8))
    net.conv(net.relu6(net.conv(net.input, 4, name="a")), 4, name="b")
    _, variants = variants_of(net, tmp_path)
    assert [point.float_layers for point in curve(variants)][-1] == ("a", "b")
    assert sum(point.float_layers == ("a", "b") for point in curve(variants)) == 1


def test_bytes_of_weights(tmp_path: Path) -> None:
    """Of the initialisers in the files, scales and zero points of activations apart."""
    found, variants = variants_of(tiny_separable(), tmp_path)
    points = curve(variants)
    held = [t for t in found.graph.initializer if t.name.endswith((".weight_quantized", ".bias_quantized"))]
    scales = [t for t in found.graph.initializer if t.name.endswith(".weight_scale")]
    assert points[0].weight_bytes == sum(numpy_helper.to_array(tensor).nbytes for tensor in (*held, *scales))
    source = onnx.load(str(found.source)).graph.initializer
    floats = [tensor for tensor in source if tensor.name.endswith((".weight", ".bias"))]
    assert points[-1].weight_bytes == sum(numpy_helper.to_array(tensor).nbytes for tensor in floats)
