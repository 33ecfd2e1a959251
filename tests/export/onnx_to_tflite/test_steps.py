"""Which activations are fused, in float and on codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.tflite_files import Net, gap, operators, program_of, translated

GRID = (0.0213, 117)


def behind_conv(net: Net, low: float, high: float, out: tuple[float, int] = GRID) -> str:
    x = net.weighted(
        "Conv", net.input(1, 8, 5, 6), (8, 8, 1, 1), channels=8, kernel_shape=[1, 1], spread=0.4, grid="float"
    )
    bounds = [net.constant(np.float32(low)), net.constant(np.float32(high))]
    return net.op("Clip", [x, *bounds], grid=out if net.grid else None)


@pytest.mark.parametrize(
    ("low", "high", "fused", "behind"),
    [
        (0, np.inf, "RELU", []),
        (0, 6, "RELU6", []),
        (-1, 1, "RELU_N1_TO_1", []),
        (-0.5, 1.5, "NONE", ["MAXIMUM", "MINIMUM"]),
    ],
)
def test_float(low: float, high: float, fused: str, behind: list[str], tmp_path: Path) -> None:
    net = Net()
    y = behind_conv(net, low, high)
    program = program_of(translated(net.save(tmp_path, y)))
    assert [operator.op for operator in program.operators] == ["CONV_2D", *behind]
    options = program.operators[0].options
    assert options is not None
    assert options.fields["fusedActivationFunction"] == fused
    assert gap(net, tmp_path, y).relative < 1e-6


@pytest.mark.parametrize(
    ("low", "high", "out", "fused", "behind"),
    [
        (0, 6, (6 / 255, 0), "NONE", []),  # the ends of the codes clip alike
        (0, 6, (4 / 255, 0), "NONE", []),  # they clip harder
        (0, 6, (0.0313, 0), "RELU6", []),
        (0, np.inf, (0.0213, 117), "RELU", []),
        (-0.5, 1.5, (0.0213, 117), "NONE", ["MAXIMUM", "MINIMUM"]),
        (-0.5, 1.5, (0.0213, 20), "NONE", ["MINIMUM"]),
    ],
)
def test_on_codes(
    low: float, high: float, out: tuple[float, int], fused: str, behind: list[str], tmp_path: Path
) -> None:
    net = Net(grid=GRID)
    y = behind_conv(net, low, high, out)
    program = program_of(translated(net.save(tmp_path, y)))
    assert [operator.op for operator in program.operators] == ["QUANTIZE", "CONV_2D", *behind, "DEQUANTIZE"]
    options = program.operators[1].options
    assert options is not None
    assert options.fields["fusedActivationFunction"] == fused
    found = gap(net, tmp_path, y)
    assert found.lsb.max() <= 1
    assert found.equal > 0.995


def test_a_value_that_somebody_else_reads_is_not_fused_away(tmp_path: Path) -> None:
    net = Net()
    x = net.weighted("Conv", net.input(1, 8, 5, 6), (8, 8, 1, 1), channels=8, kernel_shape=[1, 1])
    y = net.op("Mul", [net.op("Relu", [x]), x])
    assert operators(net, tmp_path, y) == ["CONV_2D", "RELU", "MUL"]


def test_an_output_of_the_graph_is_not_fused_away(tmp_path: Path) -> None:
    net = Net()
    x = net.weighted("Conv", net.input(1, 8, 5, 6), (8, 8, 1, 1), channels=8, kernel_shape=[1, 1])
    assert operators(net, tmp_path, net.op("Relu", [x]), x) == ["CONV_2D", "RELU"]


def test_a_value_held_as_codes_is_not_fused_away(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    x = net.weighted("Conv", net.input(1, 8, 5, 6), (8, 8, 1, 1), channels=8, kernel_shape=[1, 1])
    assert operators(net, tmp_path, net.op("Relu", [x])) == ["QUANTIZE", "CONV_2D", "RELU", "DEQUANTIZE"]


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
def test_arithmetic_fuses_too(op: str, tmp_path: Path) -> None:
    net = Net()
    total = net.op(op, [net.input(1, 8, 5, 6), net.input(1, 8, 5, 6, name="y")])
    assert operators(net, tmp_path, net.op("Relu", [total])) == [op.upper()]
