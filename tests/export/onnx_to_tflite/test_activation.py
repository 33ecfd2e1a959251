from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.tflite_files import Net, gap, operators

GRID = (0.0213, 117)
Build = Callable[[Net], str]


def unary(
    op: str, out: tuple[float, int] | None = None, size: tuple[int, ...] = (1, 8, 9, 10), **rest: object
) -> Build:
    return lambda net: net.op(op, [net.input(*size)], grid=out if net.grid else None, **rest)


def clip(low: float | None, high: float | None, out: tuple[float, int] | None = None) -> Build:
    def build(net: Net) -> str:
        bounds = ["" if bound is None else net.constant(np.float32(bound)) for bound in (low, high)]
        return net.op("Clip", [net.input(1, 8, 9, 10), *bounds], grid=out if net.grid else None)

    return build


def silu(net: Net) -> str:
    x = net.input(1, 8, 9, 10)
    return net.op("Mul", [x, net.op("Sigmoid", [x], grid=(1 / 256, 0) if net.grid else None)])


def prelu(net: Net) -> str:
    slopes = np.linspace(0.1, 0.4, 8, dtype=np.float32).reshape(8, 1, 1)
    return net.op("PRelu", [net.input(1, 8, 9, 10), net.constant(slopes, grid=(1 / 500, 0) if net.grid else None)])


CASES: dict[str, Build] = {
    "relu": unary("Relu"),
    "relu to another grid": unary("Relu", (0.0131, 0)),
    "relu6": clip(0, 6),
    "clip": clip(-0.5, 1.25),
    "clip below": clip(-0.5, None),
    "clip above": clip(None, 0.7),
    "hard swish": unary("HardSwish", (0.0187, 20)),
    "hard sigmoid": unary("HardSigmoid", (1 / 255, 0), alpha=1 / 6, beta=0.5),
    "hard sigmoid, narrow": unary("HardSigmoid", (1 / 300, 0), alpha=1 / 6, beta=0.5),
    "hard sigmoid, wide": unary("HardSigmoid", (1 / 200, 10), alpha=1 / 6, beta=0.5),
    "hard sigmoid, saturated": unary("HardSigmoid", (0.00001, 0), alpha=1 / 6, beta=0.5),
    "hard sigmoid, another slope": unary("HardSigmoid", (1 / 255, 0)),
    "sigmoid": unary("Sigmoid", (1 / 256, 0)),
    "sigmoid to another grid": unary("Sigmoid", (1 / 191, 0)),
    "silu": silu,
    "tanh": unary("Tanh", (1 / 128, 128)),
    "softmax": unary("Softmax", (1 / 256, 0), size=(2, 30)),
    "softmax over channels": unary("Softmax", (1 / 256, 0), axis=1),
    "softmax over width": unary("Softmax", (1 / 256, 0), axis=3),
    "leaky relu": unary("LeakyRelu", (0.0171, 60), alpha=0.1),
    "prelu": prelu,
}


@pytest.mark.parametrize("case", CASES)
def test_float(case: str, tmp_path: Path) -> None:
    net = Net()
    assert gap(net, tmp_path, CASES[case](net)).relative < 1e-6


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("delegate", [True, False])
def test_int8_is_at_most_one_code_off(case: str, delegate: bool, tmp_path: Path) -> None:
    net = Net(grid=GRID)
    assert gap(net, tmp_path, CASES[case](net), delegate=delegate).lsb.max() <= 1


@pytest.mark.parametrize(
    "case",
    ["relu", "relu6", "clip", "clip below", "clip above", "hard swish", "sigmoid", "sigmoid to another grid", "tanh"],
)
def test_these_give_the_very_codes_of_the_qdq_file(case: str, tmp_path: Path) -> None:
    net = Net(grid=GRID)
    assert gap(net, tmp_path, CASES[case](net)).equal > 0.995


@pytest.mark.parametrize(
    ("case", "inside"),
    [
        ("relu", ["RELU"]),
        ("relu6", ["RELU6"]),
        ("relu to another grid", ["DEQUANTIZE", "QUANTIZE", "RELU"]),
        ("clip", ["MAXIMUM", "MINIMUM"]),
        ("clip above", ["MINIMUM"]),
        ("hard swish", ["DEQUANTIZE", "HARD_SWISH", "QUANTIZE"]),
        ("hard sigmoid", ["ADD", "MUL"]),
        ("hard sigmoid, another slope", ["DEQUANTIZE", "MUL", "ADD", "MINIMUM", "QUANTIZE"]),
        ("sigmoid", ["LOGISTIC"]),
        ("sigmoid to another grid", ["DEQUANTIZE", "LOGISTIC", "QUANTIZE"]),
        ("softmax over channels", ["SOFTMAX"]),
        ("softmax over width", ["TRANSPOSE", "SOFTMAX", "TRANSPOSE"]),
    ],
)
def test_operators(case: str, inside: list[str], tmp_path: Path) -> None:
    net = Net(grid=GRID)
    assert operators(net, tmp_path, CASES[case](net)) == ["QUANTIZE", *inside, "DEQUANTIZE"]


def test_a_clip_outside_the_grid_writes_nothing(tmp_path: Path) -> None:
    net = Net(grid=GRID)
    assert operators(net, tmp_path, clip(-10, 10)(net)) == ["QUANTIZE", "DEQUANTIZE"]
