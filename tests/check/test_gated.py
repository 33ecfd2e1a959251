"""x · sigmoid(x) is an activation in two steps, and how tflite-runtime's product rounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sepia.check.cut import find_layers
from sepia.check.layer_session import LayerSession
from sepia.check.translate import Translator
from sepia.errors import RuntimeUnavailable
from sepia.graph.kinds import Kind
from sepia.graph.load import load_graph
from sepia.runtime import RUNTIMES
from support.qdq_layers import QdqBuilder

# Those of EfficientNet-B0's blocks.9.expand.activation, where 11 % of the codes are 1 LSB off.
IN, GATE, OUT = (0.62599087, 148), (1 / 256, 0), (0.27316284, 1)


def silu(net: QdqBuilder, *, own: bool = True) -> str:
    x = net.input("x", (1, 8, 9, 9), scale=IN[0], zero_point=IN[1])
    other = x if own else net.input("other", (1, 8, 9, 9), scale=IN[0], zero_point=IN[1])
    gate = net.op("gate", "Sigmoid", [other], scale=GATE[0], zero_point=GATE[1])
    return net.op("layer", "Mul", [gate, x], scale=OUT[0], zero_point=OUT[1])


def kinds(net: QdqBuilder, y: str, folder: Path) -> dict[str, Kind]:
    model = load_graph(net.save(folder / "net.onnx", y))
    return {layer.name: layer.kind for layer in find_layers(model) if layer.comparable}


def test_a_value_times_its_own_gate_is_an_activation(tmp_path: Path) -> None:
    net = QdqBuilder()
    assert kinds(net, silu(net), tmp_path) == {"gate_node": Kind.ACTIVATION, "layer_node": Kind.ACTIVATION}


def test_times_the_gate_of_another_it_is_a_product(tmp_path: Path) -> None:
    net = QdqBuilder()
    assert kinds(net, silu(net, own=False), tmp_path)["layer_node"] is Kind.MUL


def test_tflite_runtime_rounds_the_product_twice(tmp_path: Path) -> None:
    """To 2^-6 of a code, then to a code: gemmlowp's arithmetic gives each of its codes, and the other engines round the
    exact value once. The two differ where that lies within 2^-7 of the middle: in one entry of the table."""
    runtime = RUNTIMES["tflite-runtime"]
    try:
        runtime.version()
    except RuntimeUnavailable as error:
        pytest.skip(str(error))
    net = QdqBuilder()
    model = load_graph(net.save(tmp_path / "net.onnx", silu(net)))
    (layer,) = [layer for layer in find_layers(model) if layer.name == "layer_node"]
    files = Translator(model, layer, tmp_path)
    real = np.random.default_rng(0).normal(0, 2, (1, 8, 9, 9))
    x = np.clip(np.rint(real / IN[0]) + IN[1], 0, 255)
    gates = np.clip(np.rint(256 / (1 + np.exp(-(x - IN[1]) * IN[0]))), 0, 255)
    by_scale = {np.float32(IN[0]): x, np.float32(GATE[0]): gates}
    feeds = {tensor.codes: by_scale[tensor.params.scale[0]].astype(np.uint8) for tensor in layer.reads}
    path = files.file(runtime)
    with runtime.open(path) as session:
        assert [placement.kernel for placement in session.placements()] == ["builtin"]
        found = LayerSession(layer, session, path).run(feeds)[layer.makes[0].codes].astype(np.int64)
    products = ((x - IN[1]) * gates).astype(np.int64)
    factor = float(np.float32(IN[0])) * float(np.float32(GATE[0])) / float(np.float32(OUT[0]))
    twice = np.clip(_rounded_twice(products, factor) + OUT[1], 0, 255)
    once = np.clip(np.rint(products * factor) + OUT[1], 0, 255).astype(np.int64)
    np.testing.assert_array_equal(found, twice)
    apart = products[found != once] * factor
    assert apart.size
    assert np.abs(apart - np.floor(apart) - 0.5).max() <= 2.0**-7
    assert len(np.unique(x[found != once])) <= 2


def _rounded_twice(values: NDArray[np.int64], factor: float) -> NDArray[Any]:
    """gemmlowp: SaturatingRoundingDoublingHighMul by a factor of 31 bits, then RoundingDivideByPOT."""
    share, exponent = np.frexp(factor)
    product = values * round(float(share) * 2**31)
    high = np.trunc((product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))) / 2**31).astype(np.int64)
    mask = (1 << -int(exponent)) - 1
    return (high >> -int(exponent)) + ((high & mask) > (mask >> 1) + (high < 0))
