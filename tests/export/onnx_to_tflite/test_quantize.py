"""Conversions that no op takes in: requantisation, and values that are used both as float and as codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tflite_files import Net, gap, operators

GRID = (0.0213, 117)


@pytest.mark.parametrize("delegate", [True, False])
def test_requantisation(delegate: bool, tmp_path: Path) -> None:
    net = Net(grid=GRID)
    x = net.input(1, 4, 5, 6)
    coarse = net.pair(x, (0.05, 90))
    y = net.op("Add", [x, coarse])
    assert operators(net, tmp_path, y) == ["QUANTIZE", "DEQUANTIZE", "QUANTIZE", "ADD", "DEQUANTIZE"]
    assert gap(net, tmp_path, y, delegate=delegate).lsb.max() <= 1


def test_an_activation_used_as_float_too(tmp_path: Path) -> None:
    """Elu-like: a float branch beside an int8 one."""
    net = Net(grid=GRID)
    x = net.weighted("Conv", net.input(1, 4, 5, 6), (4, 4, 1, 1), channels=4, kernel_shape=[1, 1], grid="float")
    held = net.pair(x, GRID)
    y = net.op("Mul", [net.op("Relu", [held]), net.op("Tanh", [x], grid=(1 / 128, 128))])
    found = gap(net, tmp_path, y)
    assert found.lsb.max() <= 1
