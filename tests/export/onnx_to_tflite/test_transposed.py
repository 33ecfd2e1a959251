"""Transposed convolutions, float and int8, against ONNX Runtime and against plain loops."""

from __future__ import annotations

import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.tflite_files import Net, gap, left_over, operators, program_of, run_tflite, translated

GRID = (0.0213, 117)

DENSE: dict[str, dict[str, Any]] = {
    "whole": {"strides": [2, 2]},
    "same": {"strides": [2, 2], "kernel": [4, 4], "pads": [1, 1, 1, 1]},
    "cut": {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]},
    "stride 1": {"pads": [1, 1, 1, 1]},
    "one dimension": {"x": (1, 8, 9), "kernel": [3], "strides": [2], "pads": [1, 1], "output_padding": [1]},
    "kernel below the stride": {"strides": [2, 3], "kernel": [2, 1]},
    "kernel below one stride": {"strides": [2, 2], "kernel": [4, 1], "pads": [1, 0, 1, 0]},
}
STUFFED: dict[str, dict[str, Any]] = {
    "depthwise": {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1], "group": 8},
    "depthwise, whole": {"strides": [2, 2], "group": 8},
    "depthwise, kernel 4": {"strides": [2, 2], "kernel": [4, 4], "pads": [1, 1, 1, 1], "group": 8},
    "depthwise, strides 3 and 1": {"strides": [3, 1], "pads": [0, 1, 2, 0], "group": 8},
    "depthwise, kernel below the stride": {"strides": [3, 2], "kernel": [1, 1], "group": 8},
    "depthwise, more cut than the kernel reaches": {"strides": [2, 2], "pads": [3, 3, 3, 4], "group": 8},
    "depthwise, multiplier 3": {"strides": [2, 2], "outputs": 3, "group": 8},
    "depthwise, dilated": {"strides": [2, 2], "dilations": [2, 2], "group": 8},
    "depthwise, stride 1": {"group": 8},
    "depthwise, two samples": {"x": (2, 8, 5, 6), "strides": [2, 2], "group": 8},
    "depthwise, one dimension": {
        "x": (1, 8, 9), "kernel": [3], "strides": [2], "pads": [1, 1], "output_padding": [1], "group": 8,
    },
    "grouped": {"strides": [2, 2], "outputs": 3, "group": 2},
    "one group, dilated": {"strides": [2, 2], "dilations": [2, 2], "outputs": 6},
    "one group that grows": {"strides": [2, 2], "output_padding": [1, 1], "outputs": 6},
}  # fmt: skip


def build(net: Net, case: dict[str, Any], *, axis: int | None = None) -> str:
    """axis: of the weights' scales; None takes the one that tells most channels apart."""
    rest = dict(case)
    kernel, group = rest.pop("kernel", [3, 3]), rest.get("group", 1)
    outputs = rest.pop("outputs", 6 if group == 1 else 1)
    axis = (0 if group == 8 else 1) if axis is None else axis
    return net.weighted(
        "ConvTranspose", net.input(*rest.pop("x", (1, 8, 5, 6))), (8, outputs, *kernel), channels=outputs * group,
        axis=axis, kernel_shape=kernel, spread=0.15, **rest,
    )  # fmt: skip


@pytest.mark.parametrize("case", DENSE)
@pytest.mark.parametrize("delegate", [True, False])
def test_transpose_conv(case: str, delegate: bool, tmp_path: Path) -> None:
    net = Net()
    assert gap(net, tmp_path, build(net, DENSE[case]), delegate=delegate).relative < 1e-6
    net = Net(grid=GRID)
    found = gap(net, tmp_path, build(net, DENSE[case]), delegate=delegate)
    assert found.lsb.max() <= 1
    assert found.equal > 0.95


@pytest.mark.parametrize("case", STUFFED)
def test_zeros_between_and_a_convolution(case: str, tmp_path: Path) -> None:
    net = Net()
    assert gap(net, tmp_path, build(net, STUFFED[case])).relative < 1e-6
    for delegate in (True, False):
        net = Net(grid=GRID)
        found = gap(net, tmp_path, build(net, STUFFED[case]), delegate=delegate)
        assert found.lsb.max() <= 1
        assert found.equal > (0.998 if delegate else 0.95)


@pytest.mark.parametrize(
    ("case", "ops"),
    [
        ("whole", ["TRANSPOSE_CONV"]),
        ("cut", ["TRANSPOSE_CONV", "SLICE"]),
        ("depthwise", ["RESHAPE", "PAD", "RESHAPE", "DEPTHWISE_CONV_2D"]),
        ("depthwise, stride 1", ["PAD", "DEPTHWISE_CONV_2D"]),
        ("grouped", ["RESHAPE", "PAD", "RESHAPE", "PAD", "CONV_2D"]),
    ],
)
def test_operators(case: str, ops: list[str], tmp_path: Path) -> None:
    net = Net()
    found = operators(net, tmp_path, build(net, (DENSE | STUFFED)[case]))
    # With a height of 1 or one sample a RESHAPE may say nothing and go.
    assert found == ops


@pytest.mark.parametrize("axis", [None, 1])
def test_scales_of_a_multiplied_depthwise_layer(axis: int | None, tmp_path: Path) -> None:
    """By channel (axis 0 of the file), or by the outputs of each channel (axis 1): both tell the outputs apart."""
    net = Net(grid=GRID)
    y = build(net, STUFFED["depthwise, multiplier 3"], axis=axis)
    (kernel,) = [
        operator.inputs[1] for operator in program_of(translated(net.save(tmp_path, y))).operators
        if operator.op == "DEPTHWISE_CONV_2D"
    ]  # fmt: skip
    assert kernel is not None
    assert kernel.quantization is not None
    held = net.constants["convtranspose1.weight_scale"]
    wanted = np.repeat(held, 3) if axis is None else np.tile(held, 8)
    np.testing.assert_array_equal(kernel.quantization.scale, wanted)
    assert gap(net, tmp_path, y).equal > 0.998


def test_scales_that_no_axis_tells_apart_run_in_float(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    y = build(net, STUFFED["grouped"] | {"bias": False}, axis=0)
    assert operators(net, tmp_path, y)[-3:] == ["CONV_2D", "QUANTIZE", "DEQUANTIZE"]
    assert gap(net, tmp_path, y).lsb.max() <= 1


def test_a_dynamic_batch(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    y = build(net, STUFFED["depthwise"] | {"x": ("batch", 8, 5, 6)})
    program = program_of(translated(net.save(tmp_path, y)))
    assert program.outputs[y].shape == (-1, 10, 12, 8)
    assert gap(net, tmp_path, y).equal > 0.998


def test_xnnpack_takes_all_but_the_pad_of_channels(tmp_path: Path) -> None:
    for grid in (None, GRID):
        net = Net(grid=grid)
        assert set(left_over(translated(net.save(tmp_path, build(net, STUFFED["depthwise"]))))) <= {"PAD"}


@pytest.mark.parametrize("case", ["same", "kernel below the stride", "kernel below one stride"])
def test_xnnpack_takes_every_window_in_int8(case: str, tmp_path: Path) -> None:
    net = Net(grid=GRID)
    y = build(net, DENSE[case])
    assert left_over(translated(net.save(tmp_path, y))) == []
    assert gap(net, tmp_path, y).equal > 0.998


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    groups=st.sampled_from([1, 2, 4]),
    outputs=st.integers(1, 2),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pads=st.tuples(*[st.integers(0, 3)] * 4),
    more=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
)
def test_any_window_in_int8_against_plain_loops(
    groups: int,
    outputs: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    pads: tuple[int, int, int, int],
    more: tuple[int, int],
    size: tuple[int, int],
) -> None:
    assume(all(more[i] < max(stride[i], dilation[i]) for i in range(2)))
    full = [(size[i] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1 + more[i] for i in range(2)]
    assume(all(full[i] > pads[i] + pads[i + 2] for i in range(2)))
    channels = 4
    net = Net(grid=GRID, seed=3)
    y = net.weighted(
        "ConvTranspose", net.input(1, channels, *size), (channels, outputs, *kernel), channels=outputs * groups, axis=1,
        spread=0.2, group=groups, strides=list(stride), dilations=list(dilation), pads=list(pads),
        output_padding=list(more), kernel_shape=list(kernel),
    )  # fmt: skip
    feed = (net.rng.normal(size=(1, channels, *size)) * GRID[0] * 60).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        found = run_tflite(translated(net.save(Path(folder), y)), {"x": feed})[y]
    codes = np.rint(found / np.float32(GRID[0])).astype(np.int64) + GRID[1]
    wanted = _loops(net, feed, stride, dilation, pads, more, groups)
    assert codes.shape == wanted.shape
    assert np.abs(codes - wanted).max() <= 1
    assert np.count_nonzero(codes != wanted) <= max(1, 0.02 * codes.size)


def _loops(
    net: Net,
    feed: NDArray[np.float32],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    pads: tuple[int, int, int, int],
    more: tuple[int, int],
    groups: int,
) -> NDArray[np.int64]:
    """uint8 codes of the layer's output: each input goes to kernel positions of the output, in exact sums."""
    scale, point = GRID
    x = np.clip(np.rint(feed[0] / np.float32(scale)) + point, 0, 255).astype(np.int64) - point
    held = {name.split(".")[1]: array for name, array in net.constants.items() if name.startswith("convtranspose1.")}
    w, b = held["weight_quantized"].astype(np.int64), held["bias_quantized"].astype(np.int64)
    channels, outputs, *kernel = w.shape
    sizes = [(x.shape[i + 1] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1 + more[i] for i in range(2)]
    sums = np.zeros((outputs * groups, *sizes), np.int64) + b.reshape(-1, 1, 1)
    for c, r, q, o, i, j in product(*(range(size) for size in (*x.shape, outputs, *kernel))):
        channel = c // (channels // groups) * outputs + o
        sums[channel, r * stride[0] + i * dilation[0], q * stride[1] + j * dilation[1]] += x[c, r, q] * w[c, o, i, j]
    sums = sums[None, :, pads[0] : sizes[0] - pads[2], pads[1] : sizes[1] - pads[3]]
    scales = np.tile(held["weight_scale"].astype(np.float64), groups)
    ratio = np.float64(np.float32(scale)) * scales / np.float64(np.float32(scale))
    return np.clip(np.rint(sums * ratio.reshape(1, -1, 1, 1)) + point, 0, 255).astype(np.int64)


@pytest.mark.parametrize("grid", [None, GRID])
@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 1, 1, 1]])
def test_an_open_batch_is_written_as_a_convolution(
    grid: tuple[float, int] | None, pads: list[int], tmp_path: Path
) -> None:
    """TRANSPOSE_CONV holds the size of its output, batch and all, as a constant."""
    net = Net(grid=grid)
    x = net.input("N", 4, 5, 6)
    y = net.weighted(
        "ConvTranspose", x, (4, 3, 3, 3), channels=3, axis=1, strides=[2, 2], pads=pads, kernel_shape=[3, 3],
        spread=0.3,
    )  # fmt: skip
    found = gap(net, tmp_path, y)
    assert found.relative < 1e-5 if grid is None else found.lsb.max() <= 1
    assert "TRANSPOSE_CONV" not in operators(net, tmp_path, y)
