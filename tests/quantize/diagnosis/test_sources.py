"""What a QDQ file rounds, found again in the float network, whatever tool wrote the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from sepia.errors import QuantizeError
from sepia.graph.load import load_graph
from sepia.graph.passes import canonicalize
from sepia.graph.qdq import read_qdq
from sepia.quantize.diagnosis.sources import Sources, find_sources
from support.graphs import NetBuilder, tiny_separable
from support.pairs import Quantised as Pairs
from support.passes import loaded
from support.quantising import Quantised, quantised


def found(source: Path, qdq: Path) -> Sources:
    return find_sources(canonicalize(load_graph(source)), read_qdq(load_graph(qdq)), where=str(qdq))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Quantised:
    return quantised(tiny_separable(), tmp_path_factory.mktemp("tiny"), recipe="minmax")


def test_every_layer_and_grid_of_our_file_is_found(tiny: Quantised) -> None:
    sources = found(tiny.source, tiny.path)
    assert sources.lost == ()
    rows = {row.layer: row for row in sources.rows}
    assert len(rows) == len(sources.rows)
    weighted = [row.layer for row in sources.rows if row.weights is not None]
    assert weighted == [facts.layer for facts in tiny.summary.layers]
    grids = {row.grid.value for row in sources.rows if row.grid is not None}
    # Flatten and Identity move codes: their grids are no sources of their own.
    # The network's output is on the grid of "fc": it has its name in the file, and Identity is gone in canonical form.
    assert grids >= {facts.tensor for facts in tiny.summary.tensors} - {"features", "logits", "fc"}
    assert len([row for row in sources.rows if row.kind == "add"]) == 1


def test_weights_are_what_the_file_holds(tiny: Quantised) -> None:
    row = next(row for row in found(tiny.source, tiny.path).rows if "block2.dw" in row.layer)
    assert row.weights is not None
    codes, scale = (tiny.initializer(f"block2.dw.weight_{part}") for part in ("quantized", "scale"))
    np.testing.assert_array_equal(row.weights.arrays[1], codes.astype(np.float32) * scale.reshape(-1, 1, 1, 1))
    np.testing.assert_array_equal(row.weights.codes, codes)
    assert row.kind == "depthwise"
    assert len(row.absorbed) == 1


@pytest.mark.parametrize("style", ["uint8", "int8"])
def test_file_of_quantize_static_is_found_too(tmp_path: Path, style: str) -> None:
    """It takes Relu and Clip away and calls their output by the name of what was before them."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            rng = np.random.default_rng(0)
            self.left = [{"image": rng.normal(size=(1, 3, 16, 16)).astype(np.float32)} for _ in range(3)]

        def get_next(self) -> dict[str, np.ndarray] | None:
            return self.left.pop() if self.left else None

    source, path = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    source.write_bytes(tiny_separable().SerializeToString())
    kind = QuantType.QUInt8 if style == "uint8" else QuantType.QInt8
    quantize_static(
        str(source), str(path), Reader(), quant_format=QuantFormat.QDQ, activation_type=kind,
        weight_type=QuantType.QInt8, per_channel=True,
    )  # fmt: skip
    sources = found(source, path)
    assert sources.lost == ()
    assert sum(row.weights is not None for row in sources.rows) == 10
    stem = next(row for row in sources.rows if "stem" in row.layer)
    clip = next(node for node in onnx.load(str(source)).graph.node if node.op_type == "Clip")
    assert stem.value == clip.output[0] or stem.grid is None or stem.absorbed == ()


def test_file_without_names_of_nodes_and_weights_is_found_by_its_tensors(tiny: Quantised, tmp_path: Path) -> None:
    """A layer that has taken in its activation bears that one's tensor: the float node before it is meant."""
    proto = onnx.load(str(tiny.path))
    renamed = {tensor.name: f"constant_{number}" for number, tensor in enumerate(proto.graph.initializer)}
    for tensor in proto.graph.initializer:
        tensor.name = renamed[tensor.name]
    for node in proto.graph.node:
        node.name = ""
        node.input[:] = [renamed.get(name, name) for name in node.input]
        if node.op_type == "DequantizeLinear" and node.input[0] in renamed.values():
            renamed[node.output[0]] = node.output[0] = f"{node.input[0]}_real"
    path = tmp_path / "nameless.onnx"
    path.write_bytes(proto.SerializeToString())
    named, nameless = found(tiny.source, tiny.path), found(tiny.source, path)
    assert nameless.lost == ()
    assert [(row.layer, row.value) for row in nameless.rows] == [(row.layer, row.value) for row in named.rows]


def test_a_tensor_rounded_for_some_readers_alone(tmp_path: Path) -> None:
    net = Pairs((1, 4, 6, 6))
    x = net.conv(net.input, 4, name="first")
    rounded = net.pair(x)
    out = net.node("Add", [net.conv(rounded, 4, name="second"), x], name="sum")
    plain = NetBuilder((1, 4, 6, 6))
    y = plain.conv(plain.input, 4, name="first")
    plain.node("Add", [plain.conv(y, 4, name="second"), y], name="sum")
    sources = find_sources(canonicalize(loaded(plain.proto("sum"))), read_qdq(loaded(net.proto(out))), where="net")
    (row,) = sources.rows
    assert row.grid is not None
    assert (row.value, row.grid.readers) == ("first", (("second", 0),))


def test_what_is_not_quantised_is_refused() -> None:
    model = loaded(tiny_separable())
    with pytest.raises(QuantizeError, match="is not quantised"):
        find_sources(canonicalize(model), read_qdq(model), where="net")


def test_another_network_is_refused(tiny: Quantised) -> None:
    other = NetBuilder((1, 3, 16, 16))
    other.node("Identity", [other.conv("image", 4, name="else")], name="logits")
    model = canonicalize(loaded(other.proto("logits")))
    with pytest.raises(QuantizeError, match="none of its layers is found"):
        file = read_qdq(load_graph(tiny.path))
        file.params.pop("image")
        find_sources(model, file, where="net")
