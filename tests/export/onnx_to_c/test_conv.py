"""Drawn convolutions against plain NumPy; several drawn ones are one program."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.c_programs import differences, merged
from support.qdq_layers import QdqBuilder


@st.composite
def convolutions(draw: st.DrawFn) -> dict[str, Any]:
    """A layer whose kernel fits into its padded image."""
    small = st.integers(1, 3)
    groups, ins, outs = draw(st.sampled_from([1, 1, 2, 5])), draw(st.integers(1, 9)), draw(st.integers(1, 9))
    if draw(st.booleans()):
        groups, ins = draw(st.integers(2, 19)), 1
        outs = draw(st.sampled_from([1, 1, 2]))
    kernel, strides, dilations = (draw(st.tuples(small, small)) for _ in range(3))
    pads = [draw(st.integers(0, size)) for size in (*kernel, *kernel)]
    image = [(size - 1) * dilation + draw(st.integers(1, 9)) for size, dilation in zip(kernel, dilations, strict=True)]
    return {
        "image": (1, groups * ins, *image), "weight": (groups * outs, ins, *kernel), "group": groups,
        "strides": list(strides), "dilations": list(dilations), "pads": pads, "zero_point": draw(st.integers(0, 255)),
    }  # fmt: skip


def net_of(case: dict[str, Any], seed: int) -> tuple[QdqBuilder, str]:
    net = QdqBuilder(seed=seed)
    rest = {key: value for key, value in case.items() if key not in ("image", "weight", "zero_point")}
    x = net.input("image", case["image"], zero_point=case["zero_point"])
    return net, net.layer("layer", "Conv", x, case["weight"], **rest)


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(convolutions(), min_size=12, max_size=12))
def test_drawn_convolutions_are_exact(cases: list[dict[str, Any]]) -> None:
    networks = {f"n{number}": net_of(case, number) for number, case in enumerate(cases)}
    with tempfile.TemporaryDirectory() as folder:
        wrong = differences(merged(networks), Path(folder), samples=2)
    assert set(wrong.values()) == {0}, [cases[int(name[1:].split("/")[0])] for name, n in wrong.items() if n]
