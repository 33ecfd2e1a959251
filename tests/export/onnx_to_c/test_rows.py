"""The op table: what is refused, by which node and why, and that nothing is written then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sepia.errors import UnsupportedOps
from sepia.export.onnx_to_c import check_c, support_table, write_c
from sepia.export.onnx_to_c.lower import FAMILIES
from sepia.export.onnx_to_c.rows import ROWS
from sepia.graph.load import load_graph
from sepia.graph.qdq import read_qdq
from support.qdq_layers import QdqBuilder


def refusals(net: QdqBuilder, folder: Path, *outputs: str) -> list[str]:
    return list(check_c(read_qdq(load_graph(net.save(folder / "model.onnx", *outputs)))))


def test_every_row_lives_in_the_file_of_its_family() -> None:
    homes = {row.lower.__module__ for rows in ROWS.values() for row in rows}
    assert homes == {family.__name__ for family in FAMILIES}


def test_the_table_has_a_line_for_each_row() -> None:
    table = support_table()
    assert len(table) == sum(len(rows) for rows in ROWS.values())
    depthwise = next(row for row in table if row["kind"] == "depthwise")
    assert (depthwise["op"], depthwise["rank"], depthwise["becomes"]) == ("Conv", "3, 4", "depthwise")


def test_all_refusals_come_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    net = QdqBuilder()
    x = net.input("image", (1, 8, 6, 6))
    x = net.op("root", "Sqrt", [x])
    x = net.layer("wide", "Conv", x, (8, 8, 3, 3))
    x = net.op("middle", "CumSum", [x, "axis"])
    net.initializers["axis"] = np.array(1)
    path = net.save(tmp_path / "model.onnx", x)
    with pytest.raises(UnsupportedOps) as caught:
        write_c(path, tmp_path / "out")
    told = str(caught.value)
    assert "cannot be written as C" in told
    assert "'root' (Sqrt, rank 4): the C program has no kernel for it" in told
    assert "'middle_dequantized' (CumSum, rank 4)" in told
    assert "Conv" not in told
    assert not (tmp_path / "out").exists()


def test_a_value_that_stays_float_is_named(tmp_path: Path) -> None:
    net = QdqBuilder()
    x = net.op("gate", "Sigmoid", [net.input("image", (1, 8, 6, 6))])
    del net.nodes[-2:]
    x = net.op("active", "HardSwish", ["gate"])
    (first, second) = refusals(net, tmp_path, x)
    assert "'gate' is float; the C program computes on codes" in first
    assert "'gate' is float" in second


def test_a_float_network_is_told_to_be_quantised(tmp_path: Path) -> None:
    net = QdqBuilder()
    net.input("image", (1, 8, 6, 6))
    del net.nodes[-2:]
    x = net.op("active", "Relu", ["image"])
    del net.nodes[-2:]
    path = net.save(tmp_path / "model.onnx", "active")
    assert x == "active_dequantized"
    with pytest.raises(UnsupportedOps, match=r"'image' \(graph input\): is not held as codes.*next: quantise it first"):
        write_c(path, tmp_path / "out")


def test_a_batch_is_refused(tmp_path: Path) -> None:
    net = QdqBuilder()
    out = net.layer("layer", "Conv", net.input("image", (2, 8, 6, 6)), (8, 8, 1, 1))
    assert "has a batch of 2" in refusals(net, tmp_path, out)[0]


def test_three_dimensions_are_refused(tmp_path: Path) -> None:
    net = QdqBuilder()
    out = net.layer("layer", "Conv", net.input("image", (1, 8, 4, 4, 4)), (8, 8, 3, 3, 3))
    assert refusals(net, tmp_path, out)[-1].startswith(
        "'layer' (Conv, standard, rank 5): dense or conv takes rank 3 or 4"
    )


def test_sums_beyond_int32_are_refused(tmp_path: Path) -> None:
    net = QdqBuilder()
    x = net.input("image", (1, 4096, 2, 2))
    out = net.layer("layer", "Conv", x, (8, 4096, 1, 1))
    net.initializers["layer.bias_quantized"][3] = 2**31 - 5
    # A hundred steps of the output, which its products move by more than one: else it would lose its weights.
    net.initializers["layer.bias_scale"][3] = np.float32(100 * 0.03119 / 2**31)
    net.initializers["layer.weight_scale"][3] = net.initializers["layer.bias_scale"][3] / np.float32(net.scales[x])
    (told,) = refusals(net, tmp_path, out)
    assert "needs sums that fit into int32" in told


def test_asymmetric_weights_are_refused(tmp_path: Path) -> None:
    net = QdqBuilder()
    out = net.layer("layer", "Gemm", net.input("x", (1, 8)), (4, 8), transB=1)
    net.initializers["layer.weight_zero_point"][2] = 3
    (told,) = refusals(net, tmp_path, out)
    assert "needs weights with zero point 0" in told
