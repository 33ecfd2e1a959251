"""What a verdict forgives, and what it does not."""

from __future__ import annotations

import pytest
from sepia.check.layers import LayerParity
from sepia.check.verdict import GOALS, verdicts


def _row(runtime="litert", *, kind="pointwise", codes=1_000_000, different=0, max_lsb=None, layer="a", **rest):
    lsb = (1 if different else 0) if max_lsb is None else max_lsb
    return LayerParity(layer, "Conv", kind, runtime, codes, codes - different, lsb, **rest)


@pytest.mark.parametrize(
    ("runtime", "different", "passed"),
    [
        ("onnxruntime", 0, True),
        ("onnxruntime", 2, False),
        ("litert", 10, True),
        ("litert", 11, False),
        ("openvino", 1_000, True),
        ("openvino", 1_001, False),
        ("tflite-runtime", 20_000, True),
        ("tflite-runtime", 20_001, False),
    ],
)
def test_the_goals_are_those_of_the_product(runtime, different, passed):
    (verdict,) = verdicts([_row(runtime, different=different)])

    assert verdict.passed is passed


@pytest.mark.parametrize("runtime", ["litert", "openvino", "tflite-runtime"])
def test_two_lsb_in_one_code_of_one_layer_is_a_bug(runtime):
    rows = [_row(runtime, layer="good"), _row(runtime, layer="bad", different=1, max_lsb=2)]

    (verdict,) = verdicts(rows)

    assert not verdict.passed
    assert verdict.broken == {"bad": "2 LSB off, where rounding explains 1"}


def test_a_layer_is_broken_that_drowns_in_the_total():
    rows = [_row(codes=1_000_000_000), _row(layer="small", codes=1000, different=100)]

    (verdict,) = verdicts(rows)

    assert verdict.share > GOALS["litert"].share
    assert list(verdict.broken) == ["small"]
    assert "90.000% equal codes" in verdict.broken["small"]


def test_one_code_of_a_small_layer_is_rounding():
    rows = [_row(codes=1_000_000), _row(layer="fc", codes=10, different=1)]

    assert verdicts(rows)[0].passed
    assert not verdicts([*rows, _row(layer="fc2", codes=10, different=2)])[0].passed


def test_an_activation_is_a_table_and_is_judged_in_lsb_alone():
    table = _row(layer="swish", kind="activation", codes=1_000_000, different=400_000)

    (verdict,) = verdicts([_row(), table])

    assert verdict.passed
    assert verdict.share == pytest.approx(0.8)
    assert not verdicts([_row(), _row(layer="swish", kind="activation", different=1, max_lsb=2)])[0].passed


def test_a_pool_of_tflite_runtime_may_round_twice():
    pool = {"kind": "pool", "codes": 1000, "different": 450}

    assert verdicts([_row("tflite-runtime"), _row("tflite-runtime", layer="p", **pool)])[0].passed
    assert not verdicts([_row("litert"), _row("litert", layer="p", **pool)])[0].passed


def test_each_runtime_has_its_own_verdict_and_unknown_ones_are_held_to_litert_s():
    found = verdicts([_row("litert"), _row("c", different=11), _row("litert", layer="b")])

    assert [(verdict.runtime, verdict.layers, verdict.passed) for verdict in found] == [
        ("litert", 2, True),
        ("c", 1, False),
    ]
    assert found[1].goal == GOALS["litert"]
