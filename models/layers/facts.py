"""What a layer costs and cannot do, said once: in its docstring, in figures, and in the reference's table.

A formula is text in the field's symbols: names of `SYMBOLS`, numbers, + · / and parentheses; Σ(…) sums over a layer's
factors, each with symbols of its own. `layer.described` puts it into the docstring, `evaluate` makes a number of it.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["SYMBOLS", "Cost", "Facts", "Symbols", "evaluate"]

SYMBOLS: Mapping[str, str] = {
    "k": "kernel positions (3×3: 9)",
    "P": "output positions (H·W)",
    "P_in": "input positions",
    "C": "channels, where a layer keeps their number; in ASPP those of each branch",
    "C_in": "channels in",
    "C_out": "channels out",
    "E": "channels between expansion and projection",
    "S": "channels that squeeze-excite squeezes to",
    "R": "number of atrous rates",
    "g": "groups; in a separable layer those of its pointwise part",
    "m": "depth multiplier",
    "b": "learned numbers a channel beside the weights: 2 for a normalisation, 1 for a bias, else 0",
    "b_1": "the same for the first of two layers",
    "b_2": "the same for the second",
    "e": "1 with an expansion layer, else 0",
    "q": "1 with squeeze-excite, else 0",
}
"""Every name that a formula may use, with its meaning."""

Symbols = Mapping[str, int]


@dataclass(frozen=True)
class Cost:
    """parameters: learned numbers, those of normalisations among them. macs: multiply-accumulates of the convolutions
    for one sample; products with padding count, as in published tables, biases, normalisations and activations do not.
    """

    parameters: int
    macs: int


@dataclass(frozen=True)
class Facts:
    """parameters, macs: formulas. cannot: what the layer can't express. source: the paper, with its section."""

    parameters: str
    macs: str
    cannot: str
    source: str


def evaluate(formula: str, symbols: Symbols, factors: Sequence[Symbols] = ()) -> int:
    """The formula's value, exact. Raises ValueError for what is no formula, or no whole number."""
    text = formula.replace("·", "*").replace("−", "-")
    value = _value(ast.parse(text, mode="eval").body, symbols, factors)
    if value.denominator != 1:
        raise ValueError(f"{formula} is {value} for {dict(symbols)}")
    return int(value)


def _value(node: ast.expr, symbols: Symbols, factors: Sequence[Symbols]) -> Fraction:
    match node:
        case ast.Constant(value=int(number)):
            return Fraction(number)
        case ast.Name(id=name) if name in symbols:
            return Fraction(symbols[name])
        case ast.BinOp(left=left, op=op, right=right):
            first, second = _value(left, symbols, factors), _value(right, symbols, factors)
            match op:
                case ast.Add():
                    return first + second
                case ast.Sub():
                    return first - second
                case ast.Mult():
                    return first * second
                case ast.Div():
                    return first / second
        case ast.Call(func=ast.Name(id="Σ"), args=[inner], keywords=[]):
            return sum((_value(inner, factor, ()) for factor in factors), Fraction(0))
    raise ValueError(f"not part of a formula: {ast.unparse(node)}")
