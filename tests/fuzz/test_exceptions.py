"""Each fault that the table names is still there, on the smallest graph: one that is gone has its row taken out."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from fuzz.draft import Drawn
from fuzz.engines import run_engines
from fuzz.exceptions import EXCEPTIONS, Known, exception_table, excuse
from fuzz.judge import compare
from fuzz.looseness import LOOSENESS
from fuzz.reference import evaluate
from fuzz.written import written


def pair(name: str, scale: str = "s", zero_point: str = "z") -> str:
    return (
        f"{name}_q = QuantizeLinear({name}, {scale}, {zero_point}) "
        f"{name}_dq = DequantizeLinear({name}_q, {scale}, {zero_point})"
    )


GRIDS = "<float s = {0.02}, int8 z = {30}, float t = {0.013}, int8 u = {-20}, int64[6] pads = {0, 0, 0, 0, 0, 1}>"

SHOWN: dict[str, Callable[[], Drawn]] = {
    "SAME with dilations": lambda: written(
        "g (float[1, 1, 9] x, float[1, 1, 3] w) => (float[1, 1, 9] y)"
        '{ y = Conv<auto_pad = "SAME_UPPER", dilations = [2]>(x, w) }'
    ),
    "SAME pools that skip": lambda: written(
        "g (float[1, 1, 7] x) => (float[1, 1, 3] y)"
        '{ y = MaxPool<auto_pad = "SAME_UPPER", kernel_shape = [1], strides = [3]>(x) }'
    ),
    "float weights become codes": lambda: written(
        f"g (float[1, 2, 9] x) => (float[1, 1, 9] y_dq) {GRIDS[:-1]}, float[1, 2, 1] w = {{0.7, 0.0123}}>"
        f"{{ {pair('x')} y = Conv(x_dq, w) {pair('y', 't', 'u')} }}"
    ),
    "pads of code 0 in a mean": lambda: written(
        f"g (float[1, 1, 4] x) => (float[1, 1, 4] y_dq) {GRIDS} {{ {pair('x')}"
        f"y = AveragePool<kernel_shape = [3], pads = [1, 1], count_include_pad = 1>(x_dq) {pair('y')} }}"
    ),
    "pads of code 0": lambda: written(
        f"g (float[1, 4, 6] x) => (float[1, 4, 7] y_dq) {GRIDS} {{ {pair('x')} y = Pad(x_dq, pads) {pair('y')} }}"
    ),
}


@pytest.mark.parametrize("known", EXCEPTIONS, ids=lambda known: known.name)
def test_the_fault_is_still_there(known: Known, tmp_path: Path) -> None:
    drawn = SHOWN[known.name]()
    for engine in known.engines:
        outcome = run_engines(drawn, tmp_path, (engine,))[engine]
        wrong = outcome.failure or any(
            difference.what
            for difference in compare(drawn, outcome, evaluate(drawn.model, drawn.feeds, LOOSENESS.get(engine)))
        )
        assert wrong, f"{known.distribution} {version(known.distribution)} has mended '{known.name}': take out its row"
        assert excuse(drawn, engine) == known.name


@pytest.mark.parametrize("known", EXCEPTIONS, ids=lambda known: known.name)
def test_no_other_runtime_has_it(known: Known, tmp_path: Path) -> None:
    drawn = SHOWN[known.name]()
    for engine, outcome in run_engines(drawn, tmp_path).items():
        if engine in known.engines or outcome.refusals:
            continue
        assert outcome.failure == ""
        reference = evaluate(drawn.model, drawn.feeds, LOOSENESS.get(engine))
        assert [difference.what for difference in compare(drawn, outcome, reference) if difference.what] == [], engine


def test_every_fault_is_shown_and_documented() -> None:
    assert {known.name for known in EXCEPTIONS} == set(SHOWN)
    assert [row["fault"] for row in exception_table()] == [known.name for known in EXCEPTIONS]


def test_an_exception_excuses_nothing_else() -> None:
    plain = written("g (float[1, 1, 9] x, float[1, 1, 3] w) => (float[1, 1, 7] y) { y = Conv(x, w) }")
    assert {excuse(plain, engine) for known in EXCEPTIONS for engine in known.engines} == {""}
