"""Intervals hold what they say."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from fuzz.interval import hull
from fuzz.reference import evaluate

NUMBERS = st.lists(st.floats(-8, 8, width=32), min_size=3, max_size=3)


def values(op: str, *arrays: np.ndarray, **attributes: object) -> tuple[np.ndarray, np.ndarray]:
    """Low and high of one node behind a pair that may tie: codes of 0.5."""
    names = [f"x{i}" for i in range(len(arrays))]
    nodes = []
    for name in names:
        nodes.append(helper.make_node("QuantizeLinear", [name, "s", "z"], [f"{name}_q"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"{name}_q", "s", "z"], [f"{name}_dq"]))
    nodes.append(helper.make_node(op, [f"{name}_dq" for name in names], ["y"], **attributes))
    starts = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in names]
    held = [numpy_helper.from_array(np.float32(0.5), "s"), numpy_helper.from_array(np.int8(3), "z")]
    graph = helper.make_graph(nodes, "g", starts, [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    found = evaluate(model, dict(zip(names, arrays, strict=True))).values["y"]
    return found.low, found.high


def either_way(array: np.ndarray) -> list[np.ndarray]:
    """Both codes of a number at the middle of two, dequantised."""
    return [np.clip(np.floor(array / 0.5), -131, 124) * 0.5, np.clip(np.ceil(array / 0.5), -131, 124) * 0.5]


@settings(deadline=None, max_examples=50)
@given(one=NUMBERS, other=NUMBERS)
def test_sums_and_products_hold_what_either_rounding_gives(one: list[float], other: list[float]) -> None:
    # Middles of two codes throughout.
    first, second = (np.float32(np.rint(np.array(x)) * 0.5 + 0.25) for x in (one, other))
    for op, act in (("Add", np.add), ("Sub", np.subtract), ("Mul", np.multiply)):
        low, high = values(op, first, second)
        ends = [act(a, b) for a in either_way(first) for b in either_way(second)]
        assert (low <= hull(ends).low).all() and (high >= hull(ends).high).all()
        assert (high - low <= hull(ends).high - hull(ends).low + 1e-4).all(), "and no more"


@settings(deadline=None, max_examples=50)
@given(one=NUMBERS)
def test_a_code_that_does_not_tie_is_pinned(one: list[float]) -> None:
    on_grid = np.float32(np.rint(np.array(one) / 0.5) * 0.5 + 0.1)
    low, high = values("Identity", on_grid)
    assert np.array_equal(low, high)


@settings(deadline=None, max_examples=50)
@given(one=NUMBERS)
def test_hard_swish_turns_inside_its_interval(one: list[float]) -> None:
    tied = np.float32(np.rint(np.array(one)) * 0.5 + 0.25)
    low, high = values("HardSwish", tied)
    for end in either_way(tied):
        real = end * np.clip(end / 6 + 0.5, 0, 1)
        assert (low <= real).all() and (real <= high).all()
