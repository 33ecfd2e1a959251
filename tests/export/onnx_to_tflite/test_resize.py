from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from sepia.errors import UnsupportedOps
from support.tflite_files import Net, gap, operators, translated

GRID = (0.0213, 117)


def resize(net: Net, *, scales: list[float] | None = None, sizes: list[int] | None = None, **rest: object) -> str:
    x = net.input(1, 3, 6, 8)
    if scales is not None:
        return net.op("Resize", [x, "", net.constant(np.array([1, 1, *scales], np.float32))], **rest)
    return net.op("Resize", [x, "", "", net.constant(np.array([1, 3, *(sizes or [])]))], **rest)


MODES = ["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"]
ROUNDS = ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]
SIZES = [(12, 16), (3, 4), (9, 5), (6, 8), (1, 1)]


def test_every_map_is_right_or_refused(tmp_path: Path) -> None:
    """All maps, all roundings, five sizes: what is written is what ONNX Runtime gives; the easy ones are written."""
    written, refused = 0, 0
    for mode, rounding, sizes in itertools.product(MODES, ROUNDS, SIZES):
        net = Net()
        y = resize(net, sizes=list(sizes), mode="nearest", coordinate_transformation_mode=mode, nearest_mode=rounding)
        try:
            assert gap(net, tmp_path, y).relative == 0, (mode, rounding, sizes)
            written += 1
        except UnsupportedOps as error:
            assert "a map of pixels that TFLite has" in str(error)
            refused += 1
    assert written >= 40
    assert refused >= 10


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sizes", SIZES)
def test_bilinear(mode: str, sizes: tuple[int, int], tmp_path: Path) -> None:
    net = Net()
    y = resize(net, sizes=list(sizes), mode="linear", coordinate_transformation_mode=mode)
    assert gap(net, tmp_path, y).relative < 4e-6


@pytest.mark.parametrize("delegate", [True, False])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_int8(mode: str, delegate: bool, tmp_path: Path) -> None:
    net = Net(grid=GRID)
    y = resize(net, scales=[2, 2], mode=mode)
    op = {"nearest": "RESIZE_NEAREST_NEIGHBOR", "linear": "RESIZE_BILINEAR"}[mode]
    assert operators(net, tmp_path, y) == ["QUANTIZE", op, "DEQUANTIZE"]
    assert gap(net, tmp_path, y, delegate=delegate).lsb.max() <= (1 if mode == "linear" else 0)


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ({"mode": "cubic", "scales": [2, 2]}, "mode nearest or linear"),
        ({"mode": "linear", "scales": [0.5, 0.5], "antialias": 1}, "without antialias"),
        ({"mode": "linear", "scales": [1.3, 1.3]}, "a map of pixels"),
    ],
)
def test_refusals(rest: dict[str, object], reason: str, tmp_path: Path) -> None:
    net = Net()
    y = resize(net, **rest)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedOps, match=reason):
        translated(net.save(tmp_path, y))
