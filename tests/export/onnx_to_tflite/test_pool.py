from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sepia.errors import UnsupportedOps
from support.tflite_files import Net, gap, operators, translated

GRID = (0.0213, 117)
Build = Callable[[Net], str]


def pool(op: str, size: tuple[int, ...] = (1, 8, 8, 8), kernel: tuple[int, ...] = (3, 3), **rest: object) -> Build:
    return lambda net: net.op(op, [net.input(*size)], kernel_shape=list(kernel), **rest)


def reduce(op: str, axes: list[int], keepdims: int) -> Build:
    return lambda net: net.op(op, [net.input(1, 8, 6, 7), net.constant(np.array(axes))], keepdims=keepdims)


CASES: dict[str, Build] = {
    "max, torch's stride 2": pool("MaxPool", pads=[1, 1, 1, 1], strides=[2, 2]),
    "max, same": pool("MaxPool", (1, 8, 9, 9), pads=[1, 1, 1, 1], strides=[2, 2]),
    "max, ceil": pool("MaxPool", strides=[2, 2], ceil_mode=1),
    "max, one dimension": pool("MaxPool", (1, 8, 9), (2,), strides=[2]),
    "average": pool("AveragePool", kernel=(2, 2), strides=[2, 2]),
    "average, pads left out of the count": pool("AveragePool", pads=[1, 1, 1, 1]),
    "average, pads counted": pool("AveragePool", pads=[1, 1, 1, 1], strides=[2, 2], count_include_pad=1),
    "average, same pads counted": pool("AveragePool", pads=[1, 1, 1, 1], count_include_pad=1),
    "global average": lambda net: net.op("GlobalAveragePool", [net.input(2, 8, 6, 7)]),
    "global average to another grid": lambda net: net.op(
        "GlobalAveragePool", [net.input(1, 8, 6, 7)], grid=(0.0071, 140) if net.grid else None
    ),
    "global max": lambda net: net.op("GlobalMaxPool", [net.input(1, 8, 6, 7)]),
    "mean over space": reduce("ReduceMean", [2, 3], 0),
    "mean over channels": reduce("ReduceMean", [1], 0),
    "mean over channels, kept": reduce("ReduceMean", [-3], 1),
    "mean over height": reduce("ReduceMean", [2], 0),
    "max over width": reduce("ReduceMax", [3], 0),
}


@pytest.mark.parametrize("case", CASES)
def test_a_float_pool_gives_what_onnx_runtime_gives(case: str, tmp_path: Path) -> None:
    net = Net()
    assert gap(net, tmp_path, CASES[case](net)).relative < 1e-6


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("delegate", [True, False])
def test_an_int8_pool_is_at_most_one_code_off(case: str, delegate: bool, tmp_path: Path) -> None:
    net = Net(grid=GRID)
    found = gap(net, tmp_path, CASES[case](net), delegate=delegate)
    assert found.lsb.max() <= 1
    if "max" in case:
        assert found.equal == 1.0


@pytest.mark.parametrize("case", [case for case in CASES if "to another" not in case])
def test_a_pool_runs_in_int8(case: str, tmp_path: Path) -> None:
    net = Net(grid=GRID)
    ops = operators(net, tmp_path, CASES[case](net))
    assert ops[0] == "QUANTIZE"
    assert ops[-1] == "DEQUANTIZE"
    assert "DEQUANTIZE" not in ops[:-1]


def test_a_pad_never_wins_a_maximum(tmp_path: Path) -> None:
    """All inputs negative: a pad of zero would show."""
    net = Net(grid=(0.0213, 250))
    x = net.op("Clip", [net.input(1, 4, 8, 8), net.constant(np.float32(-5)), net.constant(np.float32(-0.4))])
    y = net.op("MaxPool", [x], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])
    assert gap(net, tmp_path, y).lsb.max() == 0


def test_a_max_pool_between_two_grids_requantises(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    y = net.op("MaxPool", [net.input(1, 8, 8, 8)], kernel_shape=[2, 2], strides=[2, 2], grid=(0.037, 100))
    assert operators(net, tmp_path, y) == ["QUANTIZE", "DEQUANTIZE", "QUANTIZE", "MAX_POOL_2D", "DEQUANTIZE"]
    assert gap(net, tmp_path, y).lsb.max() == 0


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (pool("AveragePool", pads=[1, 1, 1, 1], strides=[2, 2]), "count_include_pad"),
        (pool("AveragePool", strides=[2, 2], ceil_mode=1, count_include_pad=1), "count_include_pad without ceil_mode"),
        (pool("MaxPool", dilations=[2, 2]), "dilations of 1"),
        (pool("AveragePool", (1, 8, 8, 8, 8), (2, 2, 2)), "takes rank 3 or 4"),
    ],
)
def test_refusals(build: Build, reason: str, tmp_path: Path) -> None:
    net = Net()
    with pytest.raises(UnsupportedOps, match=reason):
        translated(net.save(tmp_path, build(net)))


def test_indices_of_a_max_pool_are_refused(tmp_path: Path) -> None:
    net = Net()
    values, places = net.node("MaxPool", [net.input(1, 8, 8, 8)], kernel_shape=[2, 2], outputs=2)
    y = net.op("Add", [values, net.op("Cast", [places], to=1)])
    with pytest.raises(UnsupportedOps, match="no output of indices"):
        translated(net.save(tmp_path, y))
