from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sepia.errors import UnsupportedOps
from sepia.export.onnx_to_tflite.lower import lower, plan
from sepia.graph.load import load_graph
from sepia.graph.qdq import read_qdq
from support.tflite_files import Net, gap, left_over, operators, program_of, translated

GRID = (0.0213, 117)

CASES: dict[str, dict[str, Any]] = {
    "gemm": {"op": "Gemm", "x": (4, 16), "weight": (10, 16), "transB": 1},
    "gemm, weights upright": {"op": "Gemm", "x": (4, 16), "weight": (16, 10), "axis": 1},
    "gemm, one scale": {"op": "Gemm", "x": (4, 16), "weight": (10, 16), "transB": 1, "per_channel": False},
    "gemm without bias": {"op": "Gemm", "x": (4, 16), "weight": (10, 16), "transB": 1, "bias": False},
    "matmul": {"op": "MatMul", "x": (4, 16), "weight": (16, 10), "axis": 1, "bias": False},
    "matmul of rank 3": {"op": "MatMul", "x": (2, 4, 16), "weight": (16, 10), "axis": 1, "bias": False},
    "matmul of rank 4, one scale": {
        "op": "MatMul", "x": (1, 3, 4, 16), "weight": (16, 10), "bias": False, "per_channel": False
    },
}  # fmt: skip


def build(net: Net, case: dict[str, Any]) -> str:
    rest = dict(case)
    op, x, weight = rest.pop("op"), rest.pop("x"), rest.pop("weight")
    return net.weighted(op, net.input(*x), weight, channels=10, spread=0.25, **rest)


@pytest.mark.parametrize("case", CASES)
def test_float(case: str, tmp_path: Path) -> None:
    net = Net()
    y = build(net, CASES[case])
    assert "FULLY_CONNECTED" in operators(net, tmp_path, y)
    assert gap(net, tmp_path, y).relative < 1e-6


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("delegate", [True, False])
def test_int8(case: str, delegate: bool, tmp_path: Path) -> None:
    net = Net(grid=GRID)
    y = build(net, CASES[case])
    found = gap(net, tmp_path, y, delegate=delegate)
    assert found.lsb.max() <= 1
    assert found.equal >= 0.95
    ops = operators(net, tmp_path, y)
    assert ("FULLY_CONNECTED" in ops) == ("one scale" in case)
    assert ("CONV_2D" in ops) == ("one scale" not in case)
    assert left_over(translated(net.save(tmp_path, y))) == []


def flattened(net: Net) -> str:
    x = net.weighted("Conv", net.input(1, 8, 5, 6), (8, 8, 1, 1), channels=8, kernel_shape=[1, 1], spread=0.3)
    return net.weighted("Gemm", net.op("Flatten", [x]), (10, 240), channels=10, transB=1, spread=0.06)


@pytest.mark.parametrize("grid", [None, GRID])
def test_a_flatten_of_an_image_costs_no_transpose(grid: tuple[float, int] | None, tmp_path: Path) -> None:
    net = Net(grid=grid)
    y = flattened(net)
    assert "TRANSPOSE" not in operators(net, tmp_path, y)
    found = gap(net, tmp_path, y)
    if grid is None:
        assert found.relative < 1e-6
    else:
        assert found.lsb.max() <= 1


def test_a_flatten_onto_another_grid_is_not_folded_away(tmp_path: Path) -> None:
    """The reader of QDQ files puts the conversion in front of the Flatten; without it the Flatten itself converts."""
    net = Net(grid=GRID)
    flat = net.op("Flatten", [net.input(1, 8, 5, 6)])
    y = net.weighted("Gemm", flat, (10, 240), channels=10, transB=1, bias=False)
    quantized = read_qdq(load_graph(net.save(tmp_path, y)))
    name = flat.removesuffix("_dequantized")
    finer = replace(quantized.params[name], scale=np.array([0.0031], np.float32))
    changed = replace(quantized, params={**quantized.params, name: finer})
    program = lower(changed, plan(changed)[0], "float")
    layer = next(operator for operator in program.operators if operator.op == "CONV_2D")
    assert layer.inputs[0] is not None
    assert str(layer.inputs[0].quantization) == f"[0.0031, {GRID[1] - 128}]"


def test_a_flatten_that_others_read_too_keeps_its_order(tmp_path: Path) -> None:
    net = Net()
    flat = net.op("Flatten", [net.input(1, 8, 5, 6)])
    y = net.weighted("Gemm", flat, (10, 240), channels=10, transB=1)
    assert gap(net, tmp_path, y, net.op("Relu", [flat])).relative < 1e-6


def test_a_head_behind_global_average_pool_is_two_operators_and_a_reshape(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    pooled = net.op("Flatten", [net.op("GlobalAveragePool", [net.input(1, 8, 5, 6)])])
    y = net.weighted("Gemm", pooled, (10, 8), channels=10, transB=1)
    assert operators(net, tmp_path, y) == ["QUANTIZE", "MEAN", "CONV_2D", "RESHAPE", "DEQUANTIZE"]


def test_the_same_weights_are_written_once(tmp_path: Path) -> None:
    net = Net()
    weight = net.constant(net.rng.normal(size=(16, 16)).astype(np.float32))
    y = net.op("Gemm", [net.op("Gemm", [net.input(1, 16), weight], transB=1), weight], transB=1)
    program = program_of(translated(net.save(tmp_path, y)))
    first, second = (operator.inputs[1] for operator in program.operators)
    assert first is second


@pytest.mark.parametrize(
    ("rest", "reason"), [({"transA": 1, "transB": 1}, "transA 0"), ({"alpha": 2.0, "transB": 1}, "alpha 1")]
)
def test_factors_on_codes_are_refused(rest: dict[str, Any], reason: str, tmp_path: Path) -> None:
    net = Net(grid=GRID)
    y = net.weighted("Gemm", net.input(16, 16), (16, 16), channels=16, **rest)
    with pytest.raises(UnsupportedOps, match=reason):
        translated(net.save(tmp_path, y))


def test_a_product_of_two_activations_is_refused(tmp_path: Path) -> None:
    net = Net()
    y = net.op("MatMul", [net.input(4, 16), net.input(16, 4, name="y")])
    with pytest.raises(UnsupportedOps, match="constant weights"):
        translated(net.save(tmp_path, y))
