"""Two products of matrices in a row, on codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from sepia.export.onnx_to_openvino.products_apart import keep_products_apart
from sepia.export.onnx_to_openvino.proto import Looked
from support.openvino_nets import as_ir_and_as_it_says, pair, small_net

WITHOUT = f"k = MatMul(x_dq, w) {pair('k', 't', 'u')} y = MatMul(k_dq, m)"
OF_ONE_NUMBER = f"k = Gemm(x_dq, w, a) {pair('k', 't', 'u')} y = Gemm(k_dq, m, b)"
WITH_BIASES = f"k = Gemm(x_dq, w, c) {pair('k', 't', 'u')} y = Gemm(k_dq, m, d)"
BETWEEN = f"k0 = MatMul(x_dq, w) k = Mul(k0, s) {pair('k', 'e', 'u')} y = MatMul(k_dq, m)"
TWO_PAIRS = f"k = MatMul(x_dq, w) {pair('k', 't', 'u')} l = Relu(k_dq) {pair('l', 't', 'u')} y = MatMul(l_dq, m)"
MOVED = "i = Identity(x_dq) a1, a2 = Split<axis = 1, num_outputs = 2>(i) c1 = Concat<axis = 1>(a2, a1)"
MOVED = f"{MOVED} k = MatMul(c1, w) {pair('k', 't', 'u')} j = Identity(k_dq) y = MatMul(j, m)"
ADDED = f"k0 = MatMul(x_dq, w) k = Add(k0, a) {pair('k', 't', 'u')} y0 = MatMul(k_dq, m) y = Add(y0, b)"


def products(nodes: str, rows: str, deep: int, *, zero_point: int = 30) -> onnx.ModelProto:
    """[rows, deep] times [deep, 8], then times [8, 5]."""
    wide, t = 8, 0.01 * deep**0.5
    w, m = (
        ", ".join(str(place * 37 % 255 - 127) for place in range(first, first + size))
        for first, size in ((0, deep * wide), (50, wide * 5))
    )
    c, d = (", ".join(f"{0.01 * place:.2f}" for place in range(size)) for size in (wide, 5))
    a, b = (", ".join(["0.125"] * size) for size in (wide, 5))
    return small_net(
        f"g (float[{rows}, {deep}] x) => (float[{rows}, 5] y) <float s = {{0.02}}, int8 z = {{{zero_point}}},"
        f"float t = {{{t:.4f}}}, float e = {{{t * 0.02:.6f}}}, int8 u = {{{zero_point}}}, float v = {{0.01}},"
        "int8 n = {0},"
        f"float[{wide}] a = {{{a}}}, float[5] b = {{{b}}}, float[{wide}] c = {{{c}}}, float[5] d = {{{d}}},"
        f"int8[{deep}, {wide}] w_codes = {{{w}}}, int8[{wide}, 5] m_codes = {{{m}}}> {{ {pair('x')}"
        f"w = DequantizeLinear(w_codes, v, n) m = DequantizeLinear(m_codes, v, n) {nodes} }}"
    )


@pytest.mark.parametrize(("rows", "deep"), [("1", 4), ("8", 64), ("B", 16), ("3", 256)])
@pytest.mark.parametrize(
    "nodes",
    [WITHOUT, OF_ONE_NUMBER, ADDED, BETWEEN, TWO_PAIRS, MOVED],
    ids=["no bias", "one number", "one number added", "an op between", "two pairs", "moved"],
)
def test_each_takes_its_zero_point_off(nodes: str, rows: str, deep: int, tmp_path: Path) -> None:
    found, wanted = as_ir_and_as_it_says(products(nodes, rows, deep), tmp_path)
    # A code between them may be either of two.
    np.testing.assert_allclose(found["y"], wanted["y"], rtol=1e-4, atol=0.01 * np.abs(wanted["y"]).max())


def test_three_in_a_row(tmp_path: Path) -> None:
    first = f"{WITHOUT.replace(' y = ', ' l = ')} {pair('l', 't', 'u')}"
    more = f"{first} r = Transpose<perm = [1, 0]>(m) y0 = MatMul(l_dq, r)"
    model = products(f"{more} y = MatMul(y0, m)", "2", 16)
    found, wanted = as_ir_and_as_it_says(model, tmp_path)
    np.testing.assert_allclose(found["y"], wanted["y"], rtol=1e-4, atol=0.01 * np.abs(wanted["y"]).max())


@pytest.mark.parametrize(
    "model",
    [
        products(WITH_BIASES, "1", 4),
        products(WITHOUT, "1", 4, zero_point=0),
        products(WITHOUT, "9", 4),
        products(WITHOUT, "1", 257),
        products(f"r = Relu(x_dq) k = MatMul(r, w) {pair('k', 't', 'u')} y = MatMul(k_dq, m)", "1", 4),
    ],
    ids=["biases", "no zero points", "many rows", "many columns", "no codes"],
)
def test_others_stay(model: onnx.ModelProto) -> None:
    before = model.SerializeToString()
    assert not keep_products_apart(Looked(model))
    assert model.SerializeToString() == before
