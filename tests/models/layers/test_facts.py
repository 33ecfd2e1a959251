"""The formulas of the docstrings, read there, against parameters and MACs that were counted by running the layers."""

from __future__ import annotations

import re

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sepia.models.layers import SYMBOLS, Layer
from sepia.models.layers.facts import evaluate
from sepia.models.layers.table import LAYERS
from support.drawn_modules import channels_in, drawn_module
from torch.utils.flop_counter import FlopCounterMode

_EACH = 20
"""Ten kinds of layer, so many of each: 200."""


def told(layer: type[Layer]) -> tuple[str, str]:
    """(parameters, MACs) as a reader of the docstring finds them."""
    text = layer.__doc__ or ""
    found = re.search(r"^Parameters (.+)\.\nMACs (.+)\.$", text, re.MULTILINE)
    assert found is not None, f"{layer.__name__} tells no formulas"
    return found[1], found[2]


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_formulas_give_what_is_counted(kind: type[Layer]) -> None:
    seen = []

    @settings(max_examples=_EACH, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(drawn=drawn_module(kind))
    def judge(drawn: tuple[Layer, tuple[int, ...]]) -> None:
        layer, size = drawn
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            output = layer(torch.zeros(1, channels_in(layer), *size))
        parameters, macs = told(kind)
        symbols, factors = layer.symbols(size), layer.factors(size)
        assert evaluate(parameters, symbols, factors) == sum(each.numel() for each in layer.parameters())
        assert evaluate(macs, symbols, factors) * 2 == counter.get_total_flops()
        assert (layer.cost(size).parameters, layer.cost(size).macs * 2) == (
            sum(each.numel() for each in layer.parameters()),
            counter.get_total_flops(),
        )
        assert layer.output_size(size) == tuple(output.shape[2:])
        seen.append(layer)

    judge()
    assert len(seen) >= _EACH


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_formulas_use_symbols_that_are_explained(kind: type[Layer]) -> None:
    names = {name for formula in told(kind) for name in re.findall(r"[A-Za-z]\w*(?!\()", formula.replace("·", " "))}
    assert names <= set(SYMBOLS)


def test_every_symbol_is_used() -> None:
    text = " ".join(formula.replace("·", " ") for kind in LAYERS for formula in told(kind))
    assert [symbol for symbol in SYMBOLS if not re.search(rf"\b{symbol}\b", text)] == []


@pytest.mark.parametrize(
    ("formula", "value"),
    [("k·C + 2", 29), ("k·(C − 1)", 18), ("k·C/g·2", 18), ("C/g·2·g", 6), ("Σ(k·P + 1)", 2 * 5 + 1 + 3 * 7 + 1)],
)
def test_a_formula_is_arithmetic(formula: str, value: int) -> None:
    factors = ({"k": 2, "P": 5}, {"k": 3, "P": 7})
    assert evaluate(formula, {"k": 9, "C": 3, "g": 3}, factors) == value


@settings(deadline=None, derandomize=True)
@given(a=st.integers(0, 99), b=st.integers(0, 99), c=st.integers(1, 99))
def test_a_formula_reads_as_python_does(a: int, b: int, c: int) -> None:
    symbols = {"k": a, "C": b, "g": c}
    assert evaluate("k·C + C·(k − g)·2 − g·k/g", symbols) == a * b + b * (a - c) * 2 - a


@pytest.mark.parametrize("formula", ["unknown·2", "k**2", "len(k)", "'k'", "k/2", "k.real", "[k]", "k < 2"])
def test_what_is_no_formula_is_refused(formula: str) -> None:
    with pytest.raises(ValueError):
        evaluate(formula, {"k": 3})
