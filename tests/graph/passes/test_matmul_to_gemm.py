"""Fully connected layers have one form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sepia.graph.passes.matmul_to_gemm import matmul_to_gemm
from support.graphs import NetBuilder
from support.passes import holds, ops

TOLERANCE = 1e-6


def net_with(
    weight: tuple[int, ...], bias: tuple[int, ...] | None = None, shape: tuple[int, ...] = (3, 6)
) -> NetBuilder:
    net = NetBuilder(shape)
    net.constant("w", net.rng.normal(size=weight).astype(np.float32))
    if bias is not None:
        net.constant("b", net.rng.normal(size=bias).astype(np.float32))
    return net


@pytest.mark.parametrize("bias", [None, (4,), (1, 4), (1,), ()], ids=str)
@pytest.mark.parametrize("swapped", [False, True])
def test_matmul_and_add(bias: tuple[int, ...] | None, swapped: bool) -> None:
    net = net_with((6, 4), bias)
    y = net.node("MatMul", [net.input, "w"])
    if bias is not None:
        y = net.node("Add", ["b", y] if swapped else [y, "b"])
    model = holds(matmul_to_gemm, net.proto(y), tolerance=TOLERANCE)
    (gemm,) = model.graph
    assert gemm.op_type == "Gemm"
    assert gemm.inputs[1].shape.numpy() == (4, 6)
    assert set(gemm.attributes) == {"transB"}
    assert bias is None or gemm.inputs[2].shape.numpy() == (4,)


@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("rest", [{}, {"alpha": 0.5}, {"beta": 2.0}, {"alpha": 3.0, "beta": 0.25}], ids=str)
def test_gemm(transposed: int, rest: dict[str, Any]) -> None:
    net = net_with((4, 6) if transposed else (6, 4), (4,))
    proto = net.proto(net.node("Gemm", [net.input, "w", "b"], transB=transposed, **rest))
    model = holds(matmul_to_gemm, proto, tolerance=TOLERANCE, changes=bool(rest) or not transposed)
    assert set(model.graph[0].attributes) == {"transB"}


def test_a_shared_weight_serves_both() -> None:
    net = net_with((6, 6))
    y = net.node("MatMul", [net.node("MatMul", [net.input, "w"]), "w"])
    assert ops(holds(matmul_to_gemm, net.proto(y), tolerance=TOLERANCE)) == ["Gemm", "Gemm"]


def test_rank_three_stays_a_matmul() -> None:
    net = net_with((6, 4), (4,), shape=(2, 3, 6))
    y = net.node("Add", [net.node("MatMul", [net.input, "w"]), "b"])
    assert ops(holds(matmul_to_gemm, net.proto(y), changes=False)) == ["MatMul", "Add"]


def test_two_activations_stay_a_matmul() -> None:
    net = NetBuilder((3, 3))
    y = net.node("MatMul", [net.input, net.node("Relu", [net.input])])
    assert ops(holds(matmul_to_gemm, net.proto(y), changes=False)) == ["Relu", "MatMul"]


def test_a_bias_by_row_or_of_a_value_in_use_stays_an_add() -> None:
    net = net_with((6, 4), (4, 1), shape=(4, 6))
    y = net.node("Add", [net.node("MatMul", [net.input, "w"]), "b"])
    assert ops(holds(matmul_to_gemm, net.proto(y), tolerance=TOLERANCE)) == ["Gemm", "Add"]
    net = net_with((6, 4), (4,))
    product = net.node("MatMul", [net.input, "w"])
    model = holds(matmul_to_gemm, net.proto(net.node("Add", [product, "b"]), product), tolerance=TOLERANCE)
    assert ops(model) == ["Gemm", "Add"]


def test_codes_are_kept_as_they_lie() -> None:
    net = NetBuilder((3, 6))
    names = [
        net.constant("w_quantized", net.rng.integers(-127, 128, (6, 4)).astype(np.int8)),
        net.constant("w_scale", np.float32(0.1)),
        net.constant("w_zero", np.int8(0)),
    ]
    weight = net.node("DequantizeLinear", names)
    model = holds(matmul_to_gemm, net.proto(net.node("MatMul", [net.input, weight])), tolerance=TOLERANCE)
    assert ops(model) == ["DequantizeLinear", "Gemm"]
