"""Float biases, as NNCF and torchao leave them, on the grid of the sum."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from sepia.graph.adopt import adopt
from sepia.graph.qdq import read_qdq
from support.graphs import random_input, run_graph
from support.pairs import Quantised
from support.passes import loaded

BIAS = np.array([0.3, -1.2, 0.00071, 5.0], np.float32)


def layer(
    bias: Any = BIAS, *, scale: Any = 0.02, between: str = "", behind: bool = True, op: str = "Conv"
) -> onnx.ModelProto:
    net = Quantised((1, 3, 6, 6) if op == "Conv" else (2, 3))
    shape = (4, 3, 1, 1) if op == "Conv" else (4, 3)
    codes = net.rng.integers(-127, 128, shape).astype(np.int8)
    inputs = [net.pair(net.input), net.coded("w", codes, scale), net.constant("b", np.asarray(bias, np.float32))]
    y = net.node(op, inputs, name="layer", channels=4, **({} if op == "Conv" else {"transB": 1}))
    if between:
        y = net.node(between, [y])
    return net.proto(net.pair(y, 0.04, 100) if behind else net.node("Tanh", [y]))


@pytest.mark.parametrize("scale", [0.02, [0.01, 0.02, 0.03, 0.04]], ids=["per tensor", "per channel"])
@pytest.mark.parametrize("between", ["", "Relu"])
@pytest.mark.parametrize("op", ["Conv", "Gemm"])
def test_codes_are_the_nearest(scale: Any, between: str, op: str) -> None:
    proto = layer(scale=scale, between=between, op=op)
    found = adopt(loaded(proto))
    grid = (np.float32(0.05) * np.asarray(scale, np.float32)).astype(np.float64)
    wanted = np.rint(BIAS / grid)
    moved = np.abs(wanted * grid - BIAS).max() / np.float32(0.04)
    (told,) = found.told
    assert told.startswith("1 float biases rounded")
    assert float(told.split("makes by ")[1].split()[0]) == pytest.approx(moved, rel=0.06)
    view = read_qdq(found.model)
    (codes,) = (codes for codes in view.codes.values() if codes.dtype == np.int32)
    np.testing.assert_array_equal(codes, wanted)
    assert view.rounded == {}
    assert adopt(found.model).told == ()
    feeds = random_input(proto)
    for name, array in run_graph(proto, feeds).items():
        assert np.abs(run_graph(found.model, feeds)[name] - array).max() <= 0.0401


@pytest.mark.parametrize("proto", [layer([0, 0, 0, 3e6]), layer(behind=False)], ids=["beyond int32", "a float layer"])
def test_others_stay(proto: onnx.ModelProto) -> None:
    model = loaded(proto)
    assert adopt(model).model is model
