"""3-D layers, float and int8, against ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sepia.errors import UnsupportedOps
from support.tflite_files import Net, gap, operators, translated

GRID = (0.0213, 117)
FLAT: dict[str, dict[str, Any]] = {
    "pointwise": {"weight": (12, 8, 1, 1, 1)},
    "1×k×k": {"weight": (12, 8, 1, 3, 3), "pads": [0, 1, 1, 0, 1, 1]},
    "1×k×k, stride 2": {"weight": (12, 8, 1, 3, 3), "pads": [0, 1, 1, 0, 1, 1], "strides": [1, 2, 2]},
    "k×1×1": {"weight": (12, 8, 3, 1, 1), "pads": [1, 0, 0, 1, 0, 0]},
    "k×1×1, stride 2": {"weight": (12, 8, 3, 1, 1), "pads": [1, 0, 0, 0, 0, 0], "strides": [2, 1, 1]},
    "depthwise 1×k×k, dilated": {
        "weight": (16, 1, 1, 3, 3), "group": 8, "pads": [0, 2, 2, 0, 2, 2], "dilations": [1, 2, 2],
    },
    "depthwise k×1×1": {"weight": (8, 1, 5, 1, 1), "group": 8, "pads": [2, 0, 0, 2, 0, 0]},
    "grouped 1×k×1": {"weight": (8, 4, 1, 3, 1), "group": 2},
}  # fmt: skip
WHOLE: dict[str, dict[str, Any]] = {
    "standard": {"weight": (6, 8, 3, 3, 3), "pads": [1] * 6},
    "stride 2": {"weight": (6, 8, 3, 3, 3), "pads": [1] * 6, "strides": [2, 2, 2]},
    "uneven pads": {"weight": (6, 8, 2, 3, 3), "pads": [1, 0, 2, 0, 0, 1]},
    "dilated": {"weight": (6, 8, 2, 3, 2), "dilations": [2, 1, 2]},
    "pointwise, stride 2": {"weight": (6, 8, 1, 1, 1), "strides": [2, 2, 2]},
}
X = (1, 8, 5, 6, 7)


def build(net: Net, case: dict[str, Any], x: tuple[int | str, ...] = X) -> str:
    rest = {key: value for key, value in case.items() if key != "weight"}
    weight = case["weight"]
    spread = float(np.prod(weight[1:])) ** -0.5
    return net.weighted(
        "Conv", net.input(*x), weight, channels=weight[0], kernel_shape=list(weight[2:]), spread=spread, **rest
    )


@pytest.mark.parametrize("case", FLAT)
def test_a_plane_or_a_line_is_a_2d_layer(case: str, tmp_path: Path) -> None:
    net = Net()
    y = build(net, FLAT[case])
    assert gap(net, tmp_path, y).relative < 1e-6
    assert "CONV_3D" not in operators(net, tmp_path, y)
    for delegate in (True, False):
        net = Net(grid=GRID)
        found = gap(net, tmp_path, build(net, FLAT[case]), delegate=delegate)
        assert found.lsb.max() <= 1
        assert found.equal > (0.998 if delegate else 0.95)


def test_two_samples_and_a_batch_that_is_open(tmp_path: Path) -> None:
    for batch in (2, "batch"):
        for case in ("1×k×k", "k×1×1"):
            net = Net(grid=GRID)
            assert gap(net, tmp_path, build(net, FLAT[case], (batch, *X[1:]))).equal > 0.998


@pytest.mark.parametrize("case", WHOLE)
def test_conv_3d(case: str, tmp_path: Path) -> None:
    """In a QDQ file as well it runs in float, between conversions: nothing is rounded twice."""
    for delegate in (True, False):
        net = Net()
        y = build(net, WHOLE[case])
        assert gap(net, tmp_path, y, delegate=delegate).relative < 1e-6
        assert "CONV_3D" in operators(net, tmp_path, y)
    net = Net(grid=GRID)
    y = build(net, WHOLE[case])
    assert "DEQUANTIZE" in operators(net, tmp_path, y)
    found = gap(net, tmp_path, y)
    assert found.lsb.max() <= 1
    assert found.equal > 0.998


def test_a_depthwise_layer_over_a_volume_is_refused_with_what_takes_it(tmp_path: Path) -> None:
    net = Net()
    y = build(net, {"weight": (8, 1, 3, 3, 3), "group": 8})
    with pytest.raises(UnsupportedOps) as raised:
        translated(net.save(tmp_path, y))
    text = str(raised.value)
    assert "depthwise, rank 5" in text
    assert "needs a kernel of 1×k×k or k×1×1" in text
    assert "OpenVINO takes 3-D layers" in text
    assert "no depthwise convolution over a volume" in text
    assert "a spatially separable layer (1×k×k, then k×1×1) runs here" in text


@pytest.mark.parametrize("delegate", [True, False])
@pytest.mark.parametrize("op", ["GlobalAveragePool", "GlobalMaxPool"])
def test_global_pools(op: str, delegate: bool, tmp_path: Path) -> None:
    net = Net()
    assert gap(net, tmp_path, net.op(op, [net.input(*X)]), delegate=delegate).relative < 1e-5
    net = Net(grid=GRID)
    grid = (0.0051, 117) if op == "GlobalAveragePool" else None
    assert gap(net, tmp_path, net.op(op, [net.input(*X)], grid=grid), delegate=delegate).lsb.max() <= 1


@pytest.mark.parametrize("pads", [[0] * 6, [1] * 6, [1, 0, 1, 0, 1, 1]])
def test_a_maximum_over_a_volume_is_one_of_maxima(pads: list[int], tmp_path: Path) -> None:
    for grid in (None, GRID):
        for delegate in (True, False):
            net = Net(grid=grid)
            x = net.input(*X)
            y = net.op("MaxPool", [x], kernel_shape=[2, 3, 3], strides=[1, 2, 2], pads=pads)
            found = gap(net, tmp_path, y, delegate=delegate)
            assert found.relative == 0 if grid is None else found.lsb.max() == 0


@pytest.mark.parametrize("delegate", [True, False])
@pytest.mark.parametrize("op", ["Add", "Mul"])
@pytest.mark.parametrize("second", [X, (1, 8, 1, 1, 1)])
def test_two_volumes(op: str, second: tuple[int, ...], delegate: bool, tmp_path: Path) -> None:
    for grid in (None, GRID):
        net = Net(grid=grid)
        y = net.op(op, [net.input(*X), net.input(*second, name="y")], grid=grid and (0.0613, 117))
        found = gap(net, tmp_path, y, delegate=delegate)
        assert found.relative < 1e-6 if grid is None else found.lsb.max() <= 1


def test_moves_of_volumes(tmp_path: Path) -> None:
    for grid in (None, GRID):
        net = Net(grid=grid)
        x = net.input(*X)
        x = net.op("Pad", [x, net.constant(np.array([0, 0, 1, 2, 0, 0, 0, 0, 1, 1]))])
        x = net.op("Slice", [x, *(net.constant(np.array(numbers)) for numbers in ([1, 0], [6, 4], [2, 4]))])
        x = net.op("Concat", [x, x], axis=1)
        found = gap(net, tmp_path, x)
        assert found.relative == 0 if grid is None else found.lsb.max() == 0


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("shape", [(1, 3, 6), (1, 3, 4, 5, 6), (1, 3, 1, 1, 1)], ids=["1-D", "3-D", "one position"])
def test_resizes(mode: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    scales = np.array([1, 1] + [2] * (len(shape) - 2), np.float32)
    net = Net()
    assert (
        gap(net, tmp_path, net.op("Resize", [net.input(*shape), "", net.constant(scales)], mode=mode)).relative < 4e-6
    )
    net = Net(grid=GRID)
    y = net.op("Resize", [net.input(*shape), "", net.constant(scales)], mode=mode)
    assert gap(net, tmp_path, y).lsb.max() <= (1 if mode == "linear" else 0)
