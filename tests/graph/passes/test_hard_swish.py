"""HardSwish and HardSigmoid are found in every spelling, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from sepia.graph.passes.hard_swish import recognise_hard_swish
from support.graphs import NetBuilder
from support.passes import holds, ops

TOLERANCE = 1e-6


class Spelling(NetBuilder):
    """Parts of x · clip(x + 3, 0, 6) / 6, each with its operands the wrong way round on demand."""

    def __init__(self, *, swapped: bool = False) -> None:
        super().__init__((2, 3, 8, 8))
        self.swapped = swapped
        self.x = self.node("Mul", [self.input, self.constant("wide", np.float32(4))], name="x")
        for name, value in (("three", 3), ("none", 0), ("six", 6), ("sixth", 1 / 6), ("five", 5)):
            self.constant(name, np.float32(value))

    def pair(self, op: str, a: str, b: str, name: str = "") -> str:
        return self.node(op, [b, a] if self.swapped else [a, b], name=name)

    def gate(self, clip: str = "Clip", three: str = "three", six: str = "six") -> str:
        shifted = self.pair("Add", self.x, three)
        if clip == "Clip":
            return self.node("Clip", [shifted, "none", six])
        return self.pair("Min", self.node("Relu", [shifted]), six)

    def found(self, y: str, *, changes: bool = True) -> list[str]:
        return ops(holds(recognise_hard_swish, self.proto(y), tolerance=TOLERANCE, changes=changes))


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("clip", ["Clip", "Min"])
def test_hard_sigmoid(swapped: bool, clip: str) -> None:
    net = Spelling(swapped=swapped)
    assert net.found(net.node("Div", [net.gate(clip), "six"]))[-1] == "HardSigmoid"
    net = Spelling(swapped=swapped)
    assert net.found(net.pair("Mul", net.gate(clip), "sixth"))[-1] == "HardSigmoid"


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("clip", ["Clip", "Min"])
@pytest.mark.parametrize("sixth", ["Div", "Mul"])
@pytest.mark.parametrize("last", [True, False], ids=["sixth last", "gate first"])
def test_hard_swish(swapped: bool, clip: str, sixth: str, last: bool) -> None:
    net = Spelling(swapped=swapped)

    def over_six(value: str) -> str:
        return net.node("Div", [value, "six"]) if sixth == "Div" else net.pair("Mul", value, "sixth")

    y = over_six(net.pair("Mul", net.x, net.gate(clip))) if last else net.pair("Mul", net.x, over_six(net.gate(clip)))
    assert net.found(y)[-1] == "HardSwish"


def test_by_its_own_hard_sigmoid() -> None:
    net = Spelling()
    gate = net.node("HardSigmoid", [net.x], alpha=1 / 6, beta=0.5)
    assert net.found(net.node("Mul", [net.x, gate]))[-1] == "HardSwish"


def test_clip_without_a_top_is_relu() -> None:
    for top in ([], ["top"]):
        net = Spelling()
        net.constant("top", np.finfo(np.float32).max)
        assert net.found(net.node("Clip", [net.x, "none", *top])) == ["Mul", "Relu"]


def test_other_numbers_are_something_else() -> None:
    net = Spelling()
    assert "HardSigmoid" not in net.found(net.node("Div", [net.gate(three="five"), "six"]), changes=False)
    net = Spelling()
    assert "HardSigmoid" not in net.found(net.node("Div", [net.gate(six="five"), "six"]), changes=False)
    net = Spelling()
    assert "HardSigmoid" not in net.found(net.node("Div", [net.gate(), "five"]), changes=False)
    net = Spelling()
    gate = net.node("HardSigmoid", [net.x], alpha=0.2, beta=0.5)
    assert "HardSwish" not in net.found(net.node("Mul", [net.x, gate]), changes=False)


def test_gating_another_value_is_no_swish() -> None:
    net = Spelling()
    y = net.node("Mul", [net.input, net.node("Div", [net.gate(), "six"])])
    assert net.found(y)[-2:] == ["HardSigmoid", "Mul"]


def test_an_inner_value_that_others_read_stays() -> None:
    net = Spelling()
    gate = net.gate()
    y = net.node("Div", [gate, "six"])
    model = holds(recognise_hard_swish, net.proto(y, gate), changes=False)
    assert "Div" in ops(model)


def test_sigmoid_times_x_stays() -> None:
    net = Spelling()
    assert net.found(net.node("Mul", [net.x, net.node("Sigmoid", [net.x])]), changes=False) == ["Mul", "Sigmoid", "Mul"]
