"""Padding by the other end becomes slices joined, the same bit by bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.graph.passes.wrap_pad import wrap_pad
from support.graphs import NetBuilder
from support.passes import holds, ops


@settings(max_examples=30, deadline=None)
@given(pads=st.tuples(*[st.integers(0, 4)] * 2, *[st.integers(0, 9)] * 4))
def test_slices_joined(pads: tuple[int, ...]) -> None:
    """Pads may be longer than the axis: the values come round again."""
    net = NetBuilder((1, 3, 4, 5))
    before, after = [0, pads[0], *pads[2:4]], [0, pads[1], *pads[4:]]
    if not any(pads):
        return
    x = net.node("Pad", [net.input, net.constant("pads", np.array([*before, *after]))], mode="wrap")
    assert set(ops(holds(wrap_pad, net.proto(x)))) <= {"Slice", "Concat"}


def test_axes_may_be_given() -> None:
    net = NetBuilder((1, 3, 4, 5))
    names = [net.input, net.constant("pads", np.array([1, 2])), "", net.constant("axes", np.array([-1]))]
    model = holds(wrap_pad, net.proto(net.node("Pad", names, mode="wrap")))
    assert ops(model) == ["Slice", "Slice", "Concat"]
    assert model.graph.outputs[0].shape == [1, 3, 4, 8]


def test_other_modes_stay() -> None:
    for mode in ("constant", "reflect", "edge"):
        net = NetBuilder((1, 3, 4, 5))
        x = net.node("Pad", [net.input, net.constant("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1]))], mode=mode)
        assert ops(holds(wrap_pad, net.proto(x), changes=False)) == ["Pad"]
