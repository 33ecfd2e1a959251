"""The float network with weights and grids switched on: none is the float network, all are the file's."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from sepia.graph.load import load_graph
from sepia.graph.passes import canonicalize
from sepia.graph.qdq import read_qdq
from sepia.quantize.calibration.engine import Engine
from sepia.quantize.diagnosis.sources import Sources, find_sources
from sepia.quantize.diagnosis.switched import switched
from support.graphs import run_graph, tiny_separable
from support.quantising import Quantised, quantised


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Quantised:
    return quantised(tiny_separable(), tmp_path_factory.mktemp("tiny"), recipe="minmax")


def sources(net: Quantised) -> Sources:
    return find_sources(canonicalize(load_graph(net.source)), read_qdq(load_graph(net.path)), where="net")


def run(net: Quantised, weights: set[str], grids: set[str]) -> NDArray[np.float32]:
    model = canonicalize(load_graph(net.source))
    switch = switched(model, sources(net).rows, weights=weights, grids=grids)
    assert [value.name for value in switch.model.graph.outputs] == ["logits"]
    found: NDArray[np.float32] = run_graph(switch.model, net.sample())["logits"]
    return found


def everything(net: Quantised) -> tuple[set[str], set[str]]:
    rows = sources(net).rows
    return {row.layer for row in rows if row.weights}, {row.layer for row in rows if row.grid}


def test_none_is_the_float_network(tiny: Quantised) -> None:
    expected = run_graph(onnx.load(str(tiny.source)), tiny.sample())["logits"]
    np.testing.assert_array_equal(run(tiny, set(), set()), expected)


def test_all_are_the_file(tiny: Quantised) -> None:
    """Bit for bit: both run the same float arithmetic, on the same grids."""
    expected = run_graph(onnx.load(str(tiny.path)), tiny.sample())["logits"]
    np.testing.assert_array_equal(run(tiny, *everything(tiny)), expected)


def test_one_weight_is_that_weight_alone(tiny: Quantised) -> None:
    proto = onnx.load(str(tiny.source))
    for name in ("block2.dw.weight", "block2.dw.bias"):
        scale = tiny.initializer(f"{name}_scale")
        codes = tiny.initializer(f"{name}_quantized").astype(np.float32)
        real = codes * scale.reshape(-1, *[1] * (codes.ndim - 1))
        tensor = next(tensor for tensor in proto.graph.initializer if tensor.name == name)
        tensor.CopyFrom(numpy_helper.from_array(real.astype(np.float32), name))
    expected = run_graph(proto, tiny.sample())["logits"]
    (layer,) = (row.layer for row in sources(tiny).rows if row.weights and "block2.dw" in row.layer)
    np.testing.assert_array_equal(run(tiny, {layer}, set()), expected)


def test_one_grid_is_a_pair_behind_that_value(tiny: Quantised) -> None:
    (row,) = (row for row in sources(tiny).rows if row.kind == "add")
    seen = run_graph(onnx.load(str(tiny.source)), tiny.sample(), also=(row.value,))[row.value]
    model = canonicalize(load_graph(tiny.source))
    switch = switched(model, sources(tiny).rows, grids={row.layer})
    found = run_graph(switch.model, tiny.sample(), also=(switch.rounded[row.layer],))[switch.rounded[row.layer]]
    scale, zero = tiny.scale(row.value), tiny.zero_point(row.value)
    codes = np.clip(np.rint(seen / np.float32(scale)) + zero, 0, 255)
    np.testing.assert_array_equal(found, ((codes - zero) * np.float32(scale)).astype(np.float32))


def test_engine_runs_it_as_it_is_written(tiny: Quantised) -> None:
    """ONNX Runtime rounds a float weight between two pairs by itself, one scale a tensor, unless it is told not to."""
    weights, grids = everything(tiny)
    layer = next(name for name in weights if "block2.dw" in name)
    model = canonicalize(load_graph(tiny.source))
    switch = switched(model, sources(tiny).rows, weights=weights - {layer}, grids=grids)
    expected = run_graph(switch.model, tiny.sample())["logits"]
    found = Engine(switch.model, ["logits"], where="net", as_written=True).run(tiny.sample())["logits"]
    step = tiny.scale("logits")
    # Other kernels sum in another order: a value on the edge between two codes may fall to the other side.
    assert np.abs(found - expected).max() <= 1.01 * step
    rounded_by_it = Engine(switch.model, ["logits"], where="net").run(tiny.sample())["logits"]
    error = np.abs(run(tiny, weights, grids) - expected).max()
    assert np.abs(rounded_by_it - expected).max() > 0 or error == 0
