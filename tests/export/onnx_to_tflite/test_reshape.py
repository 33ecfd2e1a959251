from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.export.onnx_to_tflite.reshape import carry, groups
from support.tflite_files import Net, gap, operators

GRID = (0.0213, 117)
Build = Callable[[Net], str]


def reshaped(net: Net, x: str, *shape: int) -> str:
    return net.op("Reshape", [x, net.constant(np.array(shape))])


def pointwise(net: Net, x: str, channels: int = 8) -> str:
    return net.weighted("Conv", x, (8, channels, 1, 1), channels=8, kernel_shape=[1, 1], spread=0.3)


def shuffle(net: Net) -> str:
    x = reshaped(net, pointwise(net, net.input(1, 8, 5, 6)), 1, 2, 4, 5, 6)
    return pointwise(net, reshaped(net, net.op("Transpose", [x], perm=[0, 2, 1, 3, 4]), 1, 8, 5, 6))


def to_channels_last_and_back(net: Net) -> str:
    x = net.op("Transpose", [pointwise(net, net.input(1, 8, 5, 6))], perm=[0, 2, 3, 1])
    return pointwise(net, net.op("Transpose", [net.op("Relu", [x])], perm=[0, 3, 1, 2]))


def squeezed(net: Net) -> str:
    pooled = net.op("GlobalAveragePool", [net.input(1, 8, 5, 6)])
    return net.op("Squeeze", [pooled, net.constant(np.array([2, 3]))])


def excited(net: Net) -> str:
    x = net.input(1, 8, 5, 6)
    pooled = net.op("Flatten", [net.op("GlobalAveragePool", [x])])
    weights = net.weighted("Gemm", pooled, (8, 8), channels=8, transB=1, spread=0.3)
    return net.op("Mul", [x, net.op("Unsqueeze", [weights, net.constant(np.array([2, 3]))])])


CASES: dict[str, Build] = {
    "flatten": lambda net: net.op("Flatten", [net.input(2, 8, 5, 6)]),
    "join rows": lambda net: reshaped(net, net.input(1, 8, 5, 6), 1, 40, 6),
    "join pixels": lambda net: reshaped(net, net.input(1, 8, 5, 6), 1, 8, 30),
    "to an image": lambda net: pointwise(net, reshaped(net, net.input(1, 240), 1, 8, 5, 6)),
    "channel shuffle": shuffle,
    "to channels last and back": to_channels_last_and_back,
    "transpose": lambda net: net.op("Transpose", [net.input(1, 8, 5, 6)], perm=[0, 3, 1, 2]),
    "transpose of a matrix": lambda net: net.op("Transpose", [net.input(4, 5)]),
    "squeeze": squeezed,
    "squeeze-excite": excited,
}


@pytest.mark.parametrize("case", CASES)
def test_float(case: str, tmp_path: Path) -> None:
    net = Net()
    assert gap(net, tmp_path, CASES[case](net)).relative < 1e-6


@pytest.mark.parametrize("case", CASES)
def test_int8(case: str, tmp_path: Path) -> None:
    net = Net(grid=GRID)
    found = gap(net, tmp_path, CASES[case](net))
    assert found.lsb.max() <= 1
    assert found.equal > 0.99


@pytest.mark.parametrize(
    ("case", "ops"),
    [
        ("join pixels", ["RESHAPE", "TRANSPOSE"]),
        ("channel shuffle", ["CONV_2D", "RESHAPE", "TRANSPOSE", "RESHAPE", "CONV_2D"]),
        ("to channels last and back", ["CONV_2D", "CONV_2D"]),
        ("squeeze", ["MEAN", "RESHAPE"]),
        ("squeeze-excite", ["MEAN", "RESHAPE", "FULLY_CONNECTED", "RESHAPE", "MUL"]),
    ],
)
def test_no_transpose_more_than_needed(case: str, ops: list[str], tmp_path: Path) -> None:
    net = Net()
    assert operators(net, tmp_path, CASES[case](net)) == ops


def test_a_reshape_between_two_grids_requantises(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    y = net.op("Reshape", [net.input(2, 12), net.constant(np.array([4, 6]))], grid=(0.031, 90))
    assert operators(net, tmp_path, y) == ["QUANTIZE", "DEQUANTIZE", "QUANTIZE", "RESHAPE", "DEQUANTIZE"]
    assert gap(net, tmp_path, y).lsb.max() == 0


@pytest.mark.parametrize(
    ("before", "after", "pairs"),
    [
        ((1, 8, 5, 6), (1, 2, 4, 5, 6), [((1,), (1, 2)), ((2,), (3,)), ((3,), (4,))]),
        ((2, 8, 5, 6), (2, 240), [((0,), (0,)), ((1, 2, 3), (1,))]),
        ((-1, 8, 1, 1), (-1, 8), [((0,), (0,)), ((1,), (1,))]),
        ((-1, 8), (-1, 4), None),
        ((6, 4), (4, 6), [((0, 1), (0, 1))]),
    ],
)
def test_groups(
    before: tuple[int, ...], after: tuple[int, ...], pairs: list[tuple[tuple[int, ...], tuple[int, ...]]] | None
) -> None:
    assert groups(before, after) == pairs


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    sizes=st.lists(st.sampled_from([1, 2, 3]), min_size=3, max_size=5),
    cuts=st.sets(st.integers(1, 4), max_size=3),
    perm=st.randoms(use_true_random=False),
)
def test_carry_says_where_a_reshape_leaves_the_axes(sizes: list[int], cuts: set[int], perm: object) -> None:
    """Join neighbouring axes, hold the tensor in a drawn layout: what `carry` answers is right, whenever it answers."""
    edges = sorted({0, len(sizes)} | {cut for cut in cuts if cut < len(sizes)})
    after = tuple(int(np.prod(sizes[low:high])) for low, high in itertools.pairwise(edges))
    order = list(range(len(sizes)))
    perm.shuffle(order)  # type: ignore[attr-defined]
    value = np.arange(int(np.prod(sizes))).reshape(sizes)
    pairs = groups(tuple(sizes), after)
    assert pairs is not None
    given_layout = carry(tuple(order), pairs, tuple(sizes), after)
    if given_layout is not None:
        held = value.transpose(order).reshape([after[axis] for axis in given_layout])
        np.testing.assert_array_equal(held, value.reshape(after).transpose(given_layout))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    shape=st.permutations([2, 3, 4, 5]),
    perm=st.permutations([0, 1, 2, 3]),
    cut=st.integers(1, 3),
)
def test_a_reshape_of_a_transpose_in_any_layout(shape: list[int], perm: list[int], cut: int) -> None:
    net = Net()
    x = net.op("Relu", [net.op("Transpose", [net.input(*shape)], perm=list(perm))])
    turned = [shape[axis] for axis in perm]
    y = reshaped(net, x, int(np.prod(turned[:cut])), int(np.prod(turned[cut:])))
    with tempfile.TemporaryDirectory() as folder:
        assert gap(net, Path(folder), y).relative == 0


@pytest.mark.parametrize("grid", [None, GRID])
def test_an_identity_from_an_input_to_an_output(grid: tuple[float, int] | None, tmp_path: Path) -> None:
    net = Net(grid=grid)
    x = net.input(1, 4, 5, 6)
    found = gap(net, tmp_path, net.op("Identity", [x]), net.op("Relu", [x]))
    assert found.relative == 0
