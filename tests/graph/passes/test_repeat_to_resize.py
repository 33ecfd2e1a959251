"""A repetition by Expand is a Resize to the nearest, bit by bit; other Expands stay."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.graph.passes.repeat_to_resize import repeat_to_resize
from support.graphs import NetBuilder
from support.passes import holds, ops


def repeated(net: NetBuilder, x: str, shape: list[int], axis: int, times: int) -> str:
    opened, spread = [*shape[: axis + 1], 1, *shape[axis + 1 :]], [*shape[: axis + 1], times, *shape[axis + 1 :]]
    x = net.node("Reshape", [x, net.constant(f"opened{axis}", np.array(opened))])
    x = net.node("Expand", [x, net.constant(f"spread{axis}", np.array(spread))])
    last = [*shape[:axis], shape[axis] * times, *shape[axis + 1 :]]
    return net.node("Reshape", [x, net.constant(f"last{axis}", np.array(last))])


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("times", [2, 3])
def test_one_axis(axis: int, times: int) -> None:
    net = NetBuilder((1, 2, 3, 5))
    model = holds(repeat_to_resize, net.proto(repeated(net, net.input, [1, 2, 3, 5], axis, times)))
    assert ops(model) == ["Resize"]


def test_two_axes_are_one_resize() -> None:
    net = NetBuilder((1, 2, 3, 5))
    x = repeated(net, repeated(net, net.input, [1, 2, 3, 5], 2, 2), [1, 2, 6, 5], 3, 3)
    model = holds(repeat_to_resize, net.proto(x))
    assert ops(model) == ["Resize"]
    assert model.graph.outputs[0].shape == [1, 2, 6, 15]


def test_tiles_stay() -> None:
    """[s] → [1, s] → [r, s] → [r·s] puts whole copies side by side."""
    net = NetBuilder((1, 2, 3, 5))
    x = net.node("Reshape", [net.input, net.constant("a", np.array([1, 2, 1, 3, 5]))])
    x = net.node("Expand", [x, net.constant("b", np.array([1, 2, 4, 3, 5]))])
    x = net.node("Reshape", [x, net.constant("c", np.array([1, 2, 12, 5]))])
    # Along the axis before it is a repetition of the channels, whose sizes do not fit.
    assert ops(holds(repeat_to_resize, net.proto(x), changes=False)) == ["Reshape", "Expand", "Reshape"]
