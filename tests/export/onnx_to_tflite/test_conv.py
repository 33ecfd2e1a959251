"""Convolutions, float and int8, against ONNX Runtime and against plain loops."""

from __future__ import annotations

import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.tflite_files import Gap, Net, gap, left_over, operators, program_of, run_tflite, translated

GRID = (0.0213, 117)

CASES: dict[str, dict[str, Any]] = {
    "standard": {"x": (1, 8, 9, 10), "weight": (12, 8, 3, 3), "pads": [1, 1, 1, 1]},
    "pointwise": {"x": (2, 8, 5, 6), "weight": (12, 8, 1, 1), "bias": False},
    "depthwise": {"x": (1, 8, 9, 10), "weight": (8, 1, 3, 3), "group": 8, "pads": [1, 1, 1, 1]},
    "depth multiplier 3": {"x": (1, 8, 9, 10), "weight": (24, 1, 3, 3), "group": 8},
    "depthwise, strides 1 and 2": {"x": (1, 8, 9, 10), "weight": (8, 1, 3, 3), "group": 8, "strides": [1, 2]},
    "grouped": {"x": (1, 8, 9, 10), "weight": (12, 4, 3, 3), "group": 2, "pads": [1, 1, 1, 1]},
    "k×1": {"x": (1, 8, 9, 10), "weight": (12, 8, 5, 1), "pads": [2, 0, 2, 0]},
    "dilated": {"x": (1, 8, 11, 12), "weight": (12, 8, 3, 3), "pads": [2, 2, 2, 2], "dilations": [2, 2]},
    "dilated depthwise, stride 2": {
        "x": (1, 8, 11, 12), "weight": (8, 1, 3, 3), "group": 8, "pads": [2, 2, 2, 2], "dilations": [2, 2],
        "strides": [2, 2],
    },
    "torch's stride 2": {"x": (1, 8, 10, 10), "weight": (12, 8, 3, 3), "pads": [1, 1, 1, 1], "strides": [2, 2]},
    "uneven pads": {"x": (1, 8, 9, 10), "weight": (8, 1, 5, 3), "group": 8, "pads": [2, 0, 1, 1]},
    "same lower": {"x": (1, 8, 10, 10), "weight": (12, 8, 3, 3), "strides": [2, 2], "auto_pad": "SAME_LOWER"},
    "one dimension": {"x": (1, 8, 20), "weight": (12, 8, 3), "pads": [1, 1], "strides": [2]},
    "one dimension, depthwise": {"x": (1, 8, 20), "weight": (8, 1, 3), "group": 8, "pads": [1, 1]},
}  # fmt: skip


def build(net: Net, case: dict[str, Any]) -> str:
    rest = {key: value for key, value in case.items() if key not in ("x", "weight")}
    weight = case["weight"]
    fan_in = int(np.prod(weight[1:]))
    return net.weighted(
        "Conv", net.input(*case["x"]), weight, channels=weight[0], kernel_shape=list(weight[2:]), spread=fan_in**-0.5,
        **rest,
    )  # fmt: skip


def of(case: str, folder: Path, grid: tuple[float, int] | None, *, delegate: bool = True) -> Gap:
    net = Net(grid=grid)
    return gap(net, folder, build(net, CASES[case]), delegate=delegate)


@pytest.mark.parametrize("case", CASES)
def test_a_float_convolution_gives_what_onnx_runtime_gives(case: str, tmp_path: Path) -> None:
    assert of(case, tmp_path, None).relative < 1e-6


@pytest.mark.parametrize("case", CASES)
def test_xnnpack_gives_the_codes_of_the_qdq_file(case: str, tmp_path: Path) -> None:
    found = of(case, tmp_path, GRID)
    assert found.lsb.max() <= 1
    assert found.equal > 0.998


@pytest.mark.parametrize("case", CASES)
def test_the_built_in_kernels_are_at_most_one_code_off(case: str, tmp_path: Path) -> None:
    found = of(case, tmp_path, GRID, delegate=False)
    assert found.lsb.max() <= 1
    assert found.equal > 0.95


@pytest.mark.parametrize("grid", [None, GRID])
def test_xnnpack_takes_every_convolution(grid: tuple[float, int] | None, tmp_path: Path) -> None:
    for case in CASES.values():
        net = Net(grid=grid)
        assert left_over(translated(net.save(tmp_path, build(net, case)))) == []


@pytest.mark.parametrize(
    ("case", "ops"),
    [
        ("standard", ["CONV_2D"]),
        ("depthwise", ["DEPTHWISE_CONV_2D"]),
        ("depth multiplier 3", ["DEPTHWISE_CONV_2D"]),
        ("grouped", ["CONV_2D"]),
        ("torch's stride 2", ["PAD", "CONV_2D"]),
        ("uneven pads", ["PAD", "DEPTHWISE_CONV_2D"]),
    ],
)
def test_operators(case: str, ops: list[str], tmp_path: Path) -> None:
    net = Net()
    assert operators(net, tmp_path, build(net, CASES[case])) == ops


def test_only_the_pads_that_are_read_are_written(tmp_path: Path) -> None:
    net = Net()
    program = program_of(translated(net.save(tmp_path, build(net, CASES["torch's stride 2"]))))
    widths = program.operators[0].inputs[1]
    assert widths is not None
    assert widths.data is not None
    assert widths.data.tolist() == [[0, 0], [1, 0], [1, 0], [0, 0]]


def test_a_dynamic_batch_may_be_chosen_when_the_file_is_loaded(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    y = net.weighted("Conv", net.input("batch", 4, 6, 6), (4, 4, 3, 3), channels=4, kernel_shape=[3, 3], spread=0.1)
    program = program_of(translated(net.save(tmp_path, y)))
    assert program.inputs["x"].shape == (-1, 6, 6, 4)
    assert program.outputs[y].shape == (-1, 4, 4, 4)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    groups=st.sampled_from([1, 2, 4]),
    multiplier=st.integers(1, 2),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    size=st.tuples(st.integers(8, 13), st.integers(8, 13)),
)
def test_any_window_in_int8_against_plain_loops(
    groups: int,
    multiplier: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    pads: tuple[int, int, int, int],
    size: tuple[int, int],
) -> None:
    channels, out = 4, 4 * multiplier
    net = Net(grid=GRID, seed=3)
    x = net.input(1, channels, *size)
    y = net.weighted(
        "Conv", x, (out, channels // groups, *kernel), channels=out, spread=0.2, group=groups, strides=list(stride),
        dilations=list(dilation), pads=list(pads), kernel_shape=list(kernel),
    )  # fmt: skip
    feed = (net.rng.normal(size=(1, channels, *size)) * GRID[0] * 60).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = translated(net.save(Path(folder), y))
        found = run_tflite(path, {"x": feed})[y]
    codes = np.rint(found / np.float32(GRID[0])).astype(np.int64) + GRID[1]
    wanted = _loops(net, feed, stride, dilation, pads, groups)
    assert codes.shape == wanted.shape
    assert np.abs(codes - wanted).max() <= 1
    assert np.mean(codes == wanted) > 0.98


def _loops(
    net: Net,
    feed: NDArray[np.float32],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    pads: tuple[int, int, int, int],
    groups: int,
) -> NDArray[np.int64]:
    """uint8 codes of the layer's output: exact sums, one float64 product, half to even."""
    scale, point = GRID
    x = np.clip(np.rint(feed[0] / np.float32(scale)) + point, 0, 255).astype(np.int64) - point
    x = np.pad(x, ((0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    held = {
        name.split(".")[1]: array for name, array in net.constants.items() if name.startswith("conv") and "." in name
    }
    w, b = held["weight_quantized"].astype(np.int64), held["bias_quantized"].astype(np.int64)
    out, per_group, *kernel = w.shape
    extent = [(kernel[i] - 1) * dilation[i] + 1 for i in range(2)]
    sizes = [(x.shape[i + 1] - extent[i]) // stride[i] + 1 for i in range(2)]
    sums = np.zeros((1, out, *sizes), np.int64)
    for o, r, c in product(range(out), range(sizes[0]), range(sizes[1])):
        first = o // (out // groups) * per_group
        rows = slice(r * stride[0], r * stride[0] + extent[0], dilation[0])
        columns = slice(c * stride[1], c * stride[1] + extent[1], dilation[1])
        sums[0, o, r, c] = (x[first : first + per_group, rows, columns] * w[o]).sum() + b[o]
    ratio = np.float64(np.float32(scale)) * held["weight_scale"].astype(np.float64) / np.float64(np.float32(scale))
    return np.clip(np.rint(sums * ratio.reshape(1, -1, 1, 1)) + point, 0, 255).astype(np.int64)
