"""What could stand in the place of a layer: counted by the very layers that `separate` makes, and by the textbook."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.models.separate.convolution import Convolution
from sepia.models.separate.possible import possibilities, why_none
from sepia.models.separate.techniques import TECHNIQUES
from support.slow_convolutions import convolutions, made

BY_NAME = {technique.name: technique for technique in TECHNIQUES}


@pytest.mark.parametrize("kind", ["standard", "pointwise"])
@given(st.data())
@settings(max_examples=40, deadline=None)
def test_params_and_macs_are_those_of_the_layers_that_are_made(kind: str, data: st.DataObject) -> None:
    convolution = data.draw(convolutions(kernels=1 if kind == "pointwise" else 3))
    found = possibilities(convolution, kind)
    assert [one.macs for one in found] == sorted(one.macs for one in found)
    for one in found:
        factored = BY_NAME[one.technique].separate(convolution, one.rank, None)
        assert (factored.macs, factored.params) == (one.macs, one.params)
        assert one.macs < convolution.macs
        assert 1 <= one.rank <= one.saves_to_rank <= one.exact_rank
        bias = 0 if convolution.bias is None else convolution.bias.size
        weights = convolution.params - bias
        assert (one.params - bias) / weights == pytest.approx(one.formula_ratio)
    if not found:
        assert why_none(convolution, kind).startswith(kind)


def layer(channels_in: int, channels_out: int, kernel: tuple[int, ...], stride: int = 1) -> Convolution:
    return made((channels_out, channels_in, *kernel), (16,) * len(kernel), strides=(stride,) * len(kernel))


def test_the_textbooks_example() -> None:
    """1/N + 1/k², Howard et al. 2017, arXiv:1704.04861, section 3.1: 8 to 9 times less for 3×3."""
    found = {one.technique: one for one in possibilities(layer(64, 128, (3, 3)), "standard")}
    assert set(found) == {"depthwise + pointwise", "pointwise + depthwise", "spatially separable"}
    pair = found["depthwise + pointwise"]
    assert (pair.rank, pair.formula, pair.exact_rank) == (1, "1/128 + 1/9", 9)
    assert pair.formula_ratio == pytest.approx(0.11892, abs=1e-5)
    assert pair.macs == (64 * 9 + 64 * 128) * 256
    # 8.4 pairs are as dear as the layer.
    assert pair.saves_to_rank == 8
    split = found["spatially separable"]
    assert (split.rank, split.formula) == (64, "64/(128·3) + 64/(64·3)")
    assert split.macs == 64 * (64 * 3 + 128 * 3) * 256


def test_in_one_and_three_dimensions() -> None:
    line = possibilities(layer(16, 32, (5,)), "standard")
    assert [one.technique for one in line] == ["depthwise + pointwise", "pointwise + depthwise"]
    assert line[0].formula == "1/32 + 1/5"
    solid = {one.technique: one for one in possibilities(layer(16, 32, (3, 3, 3)), "standard")}
    assert solid["depthwise + pointwise"].formula == "1/32 + 1/27"
    # 1×3×3, then 3×1×1.
    assert solid["spatially separable"].formula == "16/(32·3) + 16/(16·9)"


def test_a_stride_makes_the_other_order_dearer_than_its_formula() -> None:
    found = {one.technique: one for one in possibilities(layer(16, 16, (3, 3), stride=2), "standard")}
    strided = found["pointwise + depthwise"]
    assert strided.macs / layer(16, 16, (3, 3), stride=2).macs > strided.formula_ratio * 2


def test_a_quarter_of_the_narrower_side_between_two_pointwise_layers() -> None:
    (found,) = possibilities(layer(64, 96, (1, 1)), "pointwise")
    assert (found.technique, found.rank, found.formula) == ("low-rank pointwise", 16, "16/96 + 16/64")
    assert found.saves_to_rank == 38
    # At 32 of 64 the two cost what the one does.
    (even,) = possibilities(layer(64, 64, (1, 1)), "pointwise")
    assert even.saves_to_rank == 31


@pytest.mark.parametrize(
    ("convolution", "kind", "why"),
    [
        (layer(1, 16, (3,)), "standard", "the least rank takes 133% of its MACs"),
        (layer(1, 1, (3,)), "standard", "one channel"),
        (layer(2, 2, (1, 1)), "pointwise", "the least rank takes 100% of its MACs"),
        (layer(4, 8, (3, 3)), "depthwise", "depthwise already"),
        (layer(4, 8, (1, 3)), "spatially separable", "spatially separable already"),
        (layer(4, 8, (3, 3)), "grouped", "no technique takes it"),
    ],
)
def test_why_there_is_nothing(convolution: Convolution, kind: str, why: str) -> None:
    assert possibilities(convolution, kind) == ()
    assert why in why_none(convolution, kind)
