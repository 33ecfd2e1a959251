from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.tflite_files import Net, gap, left_over, operators, translated

GRID = (0.0213, 117)
Build = Callable[[Net], str]


def pair(op: str, second: tuple[int, ...] = (1, 8, 5, 6), **rest: object) -> Build:
    return lambda net: net.op(op, [net.input(1, 8, 5, 6), net.input(*second, name="y")], **rest)


def against_constant(op: str, low: float, high: float, shape: tuple[int, ...] = (8, 1, 1)) -> Build:
    def build(net: Net) -> str:
        values = np.linspace(low, high, int(np.prod(shape)), dtype=np.float32).reshape(shape)
        held = net.constant(values, grid=(0.017, 128) if net.grid else None)
        return net.op(op, [net.input(1, 8, 5, 6), held])

    return build


CASES: dict[str, Build] = {
    "add": pair("Add"),
    "add one to each channel": pair("Add", (8, 1, 1)),
    "add one to each column": pair("Add", (6,)),
    "add a constant": against_constant("Add", -1, 1),
    "add a scalar": against_constant("Add", 1, 1, ()),
    "add an image": against_constant("Add", -1, 1, (1, 8, 5, 6)),
    "sub": pair("Sub"),
    "mul": pair("Mul"),
    "squeeze-excite": pair("Mul", (1, 8, 1, 1)),
    "mul by a constant": against_constant("Mul", -1, 1),
    "div": against_constant("Div", 1, 2),
    "max": pair("Max"),
    "min": pair("Min", (8, 1, 1)),
}


@pytest.mark.parametrize("case", CASES)
def test_float(case: str, tmp_path: Path) -> None:
    net = Net()
    assert gap(net, tmp_path, CASES[case](net)).relative < 1e-6


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("delegate", [True, False])
def test_int8(case: str, delegate: bool, tmp_path: Path) -> None:
    net = Net(grid=GRID)
    found = gap(net, tmp_path, CASES[case](net), delegate=delegate)
    assert found.lsb.max() <= 1
    assert found.equal > 0.98


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize("grid", [None, GRID])
def test_xnnpack_takes_them(op: str, grid: tuple[float, int] | None, tmp_path: Path) -> None:
    net = Net(grid=grid)
    assert left_over(translated(net.save(tmp_path, pair(op)(net)))) == []


def test_division_runs_in_float(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    ops = operators(net, tmp_path, CASES["div"](net))
    assert ops == ["QUANTIZE", "DEQUANTIZE", "DIV", "QUANTIZE", "DEQUANTIZE"]


def test_an_addition_whose_scales_no_kernel_can_hold_runs_in_float(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    y = net.op("Add", [net.input(1, 8, 5, 6), net.input(1, 8, 5, 6, name="y")], grid=(0.00002, 117))
    ops = operators(net, tmp_path, y)
    assert ops == ["QUANTIZE", "QUANTIZE", "DEQUANTIZE", "DEQUANTIZE", "ADD", "QUANTIZE", "DEQUANTIZE"]
