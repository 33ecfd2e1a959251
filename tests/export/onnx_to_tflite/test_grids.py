"""Ops that average, between two grids: values that the grid behind clips count in full before they are averaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.tflite_files import Net, gap, operators

WIDE, NARROW = (0.0213, 117), (0.0031, 117)
Build = Callable[..., str]


def average_pool(net: Net, **rest: object) -> str:
    return net.op("AveragePool", [net.input(1, 4, 8, 8)], kernel_shape=[2, 2], strides=[2, 2], **rest)  # type: ignore[arg-type]


def bilinear(net: Net, **rest: object) -> str:
    sizes = net.constant(np.array([1, 4, 16, 16]))
    return net.op("Resize", [net.input(1, 4, 8, 8), "", "", sizes], mode="linear", **rest)  # type: ignore[arg-type]


CASES: dict[str, tuple[Build, str]] = {
    "average pool": (average_pool, "AVERAGE_POOL_2D"),
    "bilinear": (bilinear, "RESIZE_BILINEAR"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("delegate", [True, False])
def test_onto_a_narrower_grid(case: str, delegate: bool, tmp_path: Path) -> None:
    net = Net(grid=WIDE)
    assert gap(net, tmp_path, CASES[case][0](net, grid=NARROW), delegate=delegate).lsb.max() == 0


@pytest.mark.parametrize("case", CASES)
def test_in_float_between_two_grids_and_on_codes_on_one(case: str, tmp_path: Path) -> None:
    build, op = CASES[case]
    (tmp_path / "one").mkdir()
    one, two = Net(grid=WIDE), Net(grid=WIDE)
    assert operators(one, tmp_path / "one", build(one)) == ["QUANTIZE", op, "DEQUANTIZE"]
    assert operators(two, tmp_path, build(two, grid=NARROW)) == [
        "QUANTIZE", "DEQUANTIZE", op, "QUANTIZE", "DEQUANTIZE",
    ]  # fmt: skip


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize("delegate", [True, False])
def test_a_result_far_beyond_its_grid_is_clipped(op: str, delegate: bool, tmp_path: Path) -> None:
    """On x86 the built-in kernels keep it in 16 bits, which wrap round: such ratios of scales run in float."""
    net = Net(grid=(0.4213, 117))
    x = net.input(1, 4, 8, 8)
    y = net.op(op, [x, net.op("Relu", [x])], grid=(0.0021, 117))
    assert gap(net, tmp_path, y, delegate=delegate).lsb.max() == 0


@pytest.mark.parametrize("delegate", [True, False])
def test_a_slope_below_zero(delegate: bool, tmp_path: Path) -> None:
    net = Net(grid=WIDE)
    y = net.op("LeakyRelu", [net.input(1, 4, 8, 8)], alpha=-0.3, grid=(0.0271, 110))
    assert gap(net, tmp_path, y, delegate=delegate).lsb.max() <= 1
    assert "DEQUANTIZE" in operators(net, tmp_path, y)[:-1]


def test_a_layer_whose_factor_xnnpack_refuses_runs_in_float(tmp_path: Path) -> None:
    net = Net(grid=(0.5, 117))
    x = net.input(1, 4, 8, 8)
    y = net.weighted("Conv", x, (4, 4, 1, 1), channels=4, kernel_shape=[1, 1], spread=200.0, grid=(1e-6, 117))
    assert gap(net, tmp_path, y).lsb.max() <= 1
    assert operators(net, tmp_path, y)[1] == "DEQUANTIZE"
