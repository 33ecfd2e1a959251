"""The float network with weights and grids switched on: none is the float network, all are the file's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from sepia.graph.load import load_graph
from sepia.graph.passes import canonicalize
from sepia.graph.qdq import read_qdq
from sepia.graph.quantization import QuantParams
from sepia.quantize.calibration.engine import Engine
from sepia.quantize.diagnosis.sources import Grid, Source, Sources, find_sources
from sepia.quantize.diagnosis.switched import switched
from support.graphs import run_graph, tiny_separable
from support.quantising import Quantised, quantised
from support.spoilt import with_wide_channel


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


def test_engine_runs_it_as_it_is_written(tmp_path: Path) -> None:
    """ONNX Runtime rounds a float weight between two pairs by itself, one scale a tensor, unless it is told not to.

    With a channel a thousand times as wide as the others that leaves nothing of them.
    """
    net = quantised(with_wide_channel(), tmp_path, recipe="minmax")
    weights, grids = everything(net)
    layer = next(name for name in weights if "block1.dw" in name)
    model = canonicalize(load_graph(net.source))
    switch = switched(model, sources(net).rows, weights=weights - {layer}, grids=grids)
    expected = run_graph(switch.model, net.sample())["logits"]
    error = {}
    for as_written in (True, False):
        found = Engine(switch.model, ["logits"], where="net", as_written=as_written).run(net.sample())["logits"]
        error[as_written] = np.abs(found - expected).max()
    # Other kernels sum in another order, so that a value on the edge between two codes may fall to the other side.
    assert error[True] <= 2.01 * net.scale("logits")
    assert error[False] > 10 * net.scale("logits")


def test_a_second_grid_reads_what_the_first_put_out(tiny: Quantised) -> None:
    """One tensor on a grid for all, and on another one besides for one reader: the second rounds the rounded."""
    (row,) = (row for row in sources(tiny).rows if row.kind == "add")
    assert row.grid is not None
    coarse = QuantParams(np.array([0.7], np.float32), np.array([99]), "uint8")
    model = canonicalize(load_graph(tiny.source))
    reader, index = next(
        (use.node, use.idx) for n in model.graph for v in n.outputs if v.name == row.value for use in v.uses()
    )
    apart = Source(
        "apart",
        "QuantizeLinear",
        "quantize",
        row.value,
        "apart",
        grid=Grid(row.value, coarse, ((str(reader.name), index),)),
    )
    switch = switched(model, [row, apart], grids={row.layer, "apart"})
    also = (row.value, *switch.rounded.values())
    found = run_graph(switch.model, tiny.sample(), also=also)
    first = row.grid.params.dequantize(row.grid.params.quantize(found[row.value]))
    np.testing.assert_array_equal(found[switch.rounded[row.layer]], first)
    np.testing.assert_array_equal(found[switch.rounded["apart"]], coarse.dequantize(coarse.quantize(first)))
    # A step that does not divide the other: rounding once gives other codes than rounding twice.
    assert (coarse.quantize(first) != coarse.quantize(found[row.value])).any()
