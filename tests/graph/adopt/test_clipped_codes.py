"""Clips of codes, as brevitas 0.13 (QCDQ) and torch.onnx on torchao's pt2e write them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from sepia.errors import GraphError
from sepia.graph.adopt import adopt
from sepia.graph.qdq import read_qdq
from support.graphs import run_graph
from support.pairs import Quantised
from support.passes import loaded, ops


def clipped(low: int | None, high: int | None, dtype: type = np.int8, zero: int = 5) -> onnx.ModelProto:
    net = Quantised((1, 3, 8, 8))
    grid = net.grid("g", 0.02, zero, dtype)
    codes = net.node("QuantizeLinear", [net.input, *grid], name="q")
    bounds = ["" if bound is None else net.constant(f"b{bound}", np.array(bound, dtype)) for bound in (low, high)]
    codes = net.node("Clip", [codes, *bounds], name="clip")
    return net.proto(net.node("Tanh", [net.node("DequantizeLinear", [codes, *grid], name="dq")], name="y"))


def feeds() -> dict[str, np.ndarray]:
    """Every code, the ties between two, and far beyond."""
    values = np.concatenate([np.arange(-140, 141) * 0.01, np.linspace(-9, 9, 103)])
    return {"image": np.resize(values, (1, 3, 8, 8)).astype(np.float32)}


@pytest.mark.parametrize(("low", "high"), [(-127, 127), (-8, 7), (-128, 100), (None, 12), (5, None)])
@pytest.mark.parametrize("zero", [0, 5])
def test_a_narrow_range_is_a_clip_of_the_real_values(low: int | None, high: int | None, zero: int) -> None:
    proto = clipped(low, high, zero=zero)
    found = adopt(loaded(proto))
    assert found.told == ("1 clips of codes moved before QuantizeLinear",)
    assert ops(found.model) == ["Clip", "QuantizeLinear", "DequantizeLinear", "Tanh"]
    np.testing.assert_array_equal(run_graph(found.model, feeds())["y"], run_graph(proto, feeds())["y"])
    assert adopt(found.model).told == ()
    assert [held.dtype for held in read_qdq(found.model).params.values()] == ["int8"]


@pytest.mark.parametrize(("low", "high", "dtype"), [(0, 255, np.uint8), (-128, 127, np.int8), (None, None, np.int8)])
def test_the_whole_range_is_nothing(low: int | None, high: int | None, dtype: type) -> None:
    proto = clipped(low, high, dtype)
    found = adopt(loaded(proto))
    assert found.told == ("1 clips of codes that do nothing left out",)
    np.testing.assert_array_equal(run_graph(found.model, feeds())["y"], run_graph(proto, feeds())["y"])


def test_a_computed_bound_is_refused_by_name() -> None:
    proto = clipped(-8, 7)
    del proto.graph.initializer[-1]
    proto.graph.input.append(onnx.helper.make_tensor_value_info("b7", onnx.TensorProto.INT8, []))
    with pytest.raises(GraphError, match=r"'clip_node' \(Clip\): works on integer codes"):
        adopt(loaded(proto))
