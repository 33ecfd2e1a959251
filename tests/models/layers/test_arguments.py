"""What can't be a layer is refused in one line that names the layer, the value, and what would do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from sepia.errors import ModelError
from sepia.models.layers import (
    ConvNorm,
    Depthwise,
    DepthwiseSeparable,
    DepthwiseTransposed,
    InvertedResidual,
    Pointwise,
    SeparableASPP,
    SeparableTransposed,
    SpatiallySeparable,
    SqueezeExcite,
)

_BAD: list[tuple[Callable[[], object], str]] = [
    (
        lambda: ConvNorm(8, 6, groups=3),
        "ConvNorm: channels_in 8 can't be split into 3 groups; accepted: groups 1, 2, 4, 8",
    ),
    (
        lambda: ConvNorm(6, 8, groups=3),
        "ConvNorm: channels_out 8 can't be split into 3 groups; accepted: groups 1, 2, 4, 8",
    ),
    (lambda: ConvNorm(6, 8, groups=0), "ConvNorm: groups is 0; accepted: a whole number, 1 or more"),
    (
        lambda: ConvNorm(2, 2, 0),
        "ConvNorm: kernel is 0; accepted: a whole number, 1 or more, or a tuple with one for each of the 2 dimensions",
    ),
    (lambda: ConvNorm(2, 2, 0, dimensions=1), "ConvNorm: kernel is 0; accepted: a whole number, 1 or more"),
    (
        lambda: Depthwise(2, (3, 3), dimensions=3),
        "Depthwise: kernel is (3, 3); accepted: a whole number, 1 or more, or a tuple with one for each of the 3 "
        "dimensions",
    ),
    (
        lambda: Depthwise(2, 3, (1, 0)),
        "Depthwise: stride is (1, 0); accepted: a whole number, 1 or more, or a tuple with one for each of the 2 "
        "dimensions",
    ),
    (
        lambda: Depthwise(2, dilation=1.5, dimensions=1),  # type: ignore[arg-type]
        "Depthwise: dilation is 1.5; accepted: a whole number, 1 or more",
    ),
    (lambda: Depthwise(0), "Depthwise: channels is 0; accepted: a whole number, 1 or more"),
    (lambda: Depthwise(2, multiplier=0), "Depthwise: multiplier is 0; accepted: a whole number, 1 or more"),
    (lambda: Pointwise(2, -1), "Pointwise: channels_out is -1; accepted: a whole number, 1 or more"),
    (lambda: ConvNorm(2, 2, dimensions=4), "ConvNorm: dimensions is 4; accepted: 1, 2, 3"),
    (
        lambda: ConvNorm(2, 2, padding="full"),  # type: ignore[arg-type]
        "ConvNorm: padding is 'full'; accepted: centred, same, valid, a number, or one a dimension",
    ),
    (
        lambda: ConvNorm(2, 2, padding=-1),
        "ConvNorm: padding is -1; accepted: a whole number, 0 or more, or a tuple with one for each of the 2 "
        "dimensions",
    ),
    (
        lambda: ConvNorm(2, 2, padding_mode="mirror"),  # type: ignore[arg-type]
        "ConvNorm: padding_mode is 'mirror'; accepted: zeros, reflect, replicate, circular",
    ),
    (
        lambda: DepthwiseSeparable(2, 2, between=("activation", "norm")),
        'DepthwiseSeparable: between is (\'activation\', \'norm\'); accepted: ("norm", "activation"), ("norm",), '
        '("activation",) or ()',
    ),
    (
        lambda: DepthwiseSeparable(3, 4, groups=2),
        "Pointwise: channels_in 3 can't be split into 2 groups; accepted: groups 1, 3",
    ),
    (
        lambda: SpatiallySeparable(4, 4, middle=3, groups=2),
        "SpatiallySeparable: middle 3 can't be split into 2 groups; accepted: groups 1, 3",
    ),
    (lambda: InvertedResidual(2, 2, 0), "Pointwise: channels_out is 0; accepted: a whole number, 1 or more"),
    (lambda: SqueezeExcite(2, 0), "SqueezeExcite: squeezed is 0; accepted: a whole number, 1 or more"),
    (lambda: SqueezeExcite(2, 2, dimensions=0), "SqueezeExcite: dimensions is 0; accepted: 1, 2, 3"),
    (
        lambda: SeparableTransposed(2, 2, stride=0, dimensions=1),
        "DepthwiseTransposed: stride is 0; accepted: a whole number, 1 or more",
    ),
    (
        lambda: Depthwise(4).cost((3, 3, 3)),
        "Depthwise: the size of its input is (3, 3, 3); accepted: 2 numbers, 1 or more",
    ),
    (
        lambda: Depthwise(4).cost((3, 0)),
        "Depthwise: the size of its input is (3, 0); accepted: 2 numbers, 1 or more",
    ),
    (lambda: Depthwise(4)(torch.zeros(1, 3, 5, 5)), "Depthwise: its input is [1, 3, 5, 5]; accepted: [N, 4, H, W]"),
    (lambda: ConvNorm(4, 2, dimensions=1)(torch.zeros(4, 5)), "ConvNorm: its input is [4, 5]; accepted: [N, 4, L]"),
    (
        lambda: DepthwiseTransposed(4, dimensions=3)(torch.zeros(1, 4, 5, 5)),
        "DepthwiseTransposed: its input is [1, 4, 5, 5]; accepted: [N, 4, D, H, W]",
    ),
    (
        lambda: SqueezeExcite(4, 2)(torch.zeros(1, 3, 5, 5)),
        "SqueezeExcite: its input is [1, 3, 5, 5]; accepted: [N, 4, H, W]",
    ),
    (
        lambda: SeparableASPP(4, 2)(torch.zeros(1, 3, 5, 5)),
        "SeparableASPP: its input is [1, 3, 5, 5]; accepted: [N, 4, H, W]",
    ),
]


@pytest.mark.parametrize(("make", "line"), _BAD, ids=[line.split(";")[0] for _, line in _BAD])
def test_one_line_says_what_is_wrong(make: Callable[[], object], line: str) -> None:
    with pytest.raises(ModelError) as caught:
        make()
    assert str(caught.value) == line


def test_many_divisors_are_shortened() -> None:
    with pytest.raises(ModelError, match=r"accepted: groups 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, …$"):
        ConvNorm(240, 240, groups=7)
