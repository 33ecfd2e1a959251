"""Every convolution gets the one right kind."""

from __future__ import annotations

import onnx_ir as ir
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sepia.graph.kinds import Kind, kind_of


def conv(weight: tuple[int, ...], group: int, op: str = "Conv") -> ir.Node:
    x = ir.val("x", shape=[1, weight[1] * group, *[9] * (len(weight) - 2)], dtype=ir.DataType.FLOAT)
    return ir.node(op, [x, ir.val("w", shape=weight, dtype=ir.DataType.FLOAT)], attributes={"group": group})


def expected(channels: int, group: int, kernel: list[int]) -> str:
    """By the words of the field, spelt out by cases."""
    if group > 1 and group == channels:
        return "depthwise"
    if group > 1:
        return "grouped"
    if all(size == 1 for size in kernel):
        return "pointwise"
    if len(kernel) > 1 and any(size == 1 for size in kernel):
        return "spatially separable"
    return "standard"


@given(
    group=st.integers(1, 6),
    per_group=st.integers(1, 5),
    multiplier=st.integers(1, 3),
    kernel=st.lists(st.integers(1, 7), min_size=1, max_size=3),
)
def test_convolutions(group: int, per_group: int, multiplier: int, kernel: list[int]) -> None:
    node = conv((group * multiplier, per_group, *kernel), group)
    assert kind_of(node) == expected(group * per_group, group, kernel)


@given(group=st.integers(1, 4), kernel=st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_transposed_whatever_its_groups(group: int, kernel: list[int]) -> None:
    assert kind_of(conv((group * 2, 3, *kernel), group, "ConvTranspose")) is Kind.TRANSPOSED


@pytest.mark.parametrize(
    ("op", "kind"),
    [
        ("Gemm", Kind.FULLY_CONNECTED),
        ("Add", Kind.ADD),
        ("Mul", Kind.MUL),
        ("GlobalAveragePool", Kind.POOL),
        ("MaxPool", Kind.POOL),
        ("HardSwish", Kind.ACTIVATION),
        ("Clip", Kind.ACTIVATION),
        ("QuantizeLinear", Kind.QUANTIZE),
        ("Reshape", Kind.SHAPE),
        ("Pad", Kind.SHAPE),
        ("Einsum", Kind.OTHER),
    ],
)
def test_other_ops(op: str, kind: Kind) -> None:
    assert kind_of(ir.node(op, [ir.val("x"), ir.val("y")])) is kind


def test_another_domain_says_nothing_of_the_op() -> None:
    node = ir.Node("com.example", "Conv", [ir.val("x"), ir.val("w", shape=[4, 1, 3, 3])])
    assert kind_of(node) is Kind.OTHER


def test_a_weight_of_unknown_shape() -> None:
    assert kind_of(ir.node("Conv", [ir.val("x"), ir.val("w")])) is Kind.OTHER


def test_what_is_separable() -> None:
    assert {kind for kind in Kind if kind.separable} == {Kind.DEPTHWISE, Kind.POINTWISE, Kind.SPATIALLY_SEPARABLE}
    assert {kind for kind in Kind if kind.convolution} - {kind for kind in Kind if kind.separable} == {
        Kind.GROUPED,
        Kind.STANDARD,
    }
