"""Layers of `models.layers` with drawn arguments, each kind in 1, 2 and 3 dimensions, and a size that they read."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from sepia.models.layers import (
    ConvNorm,
    Depthwise,
    DepthwiseSeparable,
    DepthwiseTransposed,
    InvertedResidual,
    Layer,
    Pointwise,
    SeparableASPP,
    SeparableTransposed,
    SpatiallySeparable,
    SqueezeExcite,
)

__all__ = ["channels_in", "drawn_module"]

_FOLLOWS = st.sampled_from([(), ("norm",), ("activation",), ("norm", "activation")])


@st.composite
def drawn_module(draw: st.DrawFn, kind: type[Layer]) -> tuple[Layer, tuple[int, ...]]:
    """The layer, and a spatial size."""
    dimensions = draw(st.integers(2 if kind is SpatiallySeparable else 1, 3))
    size = tuple(draw(st.integers(7, 10)) for _ in range(dimensions))
    groups = draw(st.integers(1, 3))
    few = st.integers(1, 6)

    def each(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(least, most)) for _ in range(dimensions))

    def split() -> int:
        return groups * draw(st.integers(1, 3))

    transposed = kind in (DepthwiseTransposed, SeparableTransposed)
    window: dict[str, Any] = {"kernel": each(1, 4), "stride": each(1, 3), "dilation": each(1, 2)}
    window["padding"] = draw(st.sampled_from(["centred", "same", "valid", *(() if transposed else (0, 1))]))
    own: dict[str, Any] = {"bias": draw(st.booleans()), "norm": draw(st.booleans())}
    pair: dict[str, Any] = {"bias": draw(st.booleans()), "between": draw(_FOLLOWS), "after": draw(_FOLLOWS)}
    many, rest = draw(st.integers(1, 3)), {"dimensions": dimensions}
    layer: Layer
    if kind is ConvNorm:
        layer = ConvNorm(split(), split(), groups=groups, **window, **own, **rest)
    elif kind is Depthwise:
        layer = Depthwise(draw(few), multiplier=many, **window, **own, **rest)
    elif kind is Pointwise:
        layer = Pointwise(split(), split(), window["stride"], groups=groups, **own, **rest)
    elif kind is DepthwiseSeparable:
        layer = DepthwiseSeparable(split(), split(), groups=groups, multiplier=many, **window, **pair, **rest)
    elif kind is SpatiallySeparable:
        ways = {2: [None, ((1,), (0,))], 3: [None, ((0,), (1,), (2,)), ((2,), (0, 1))]}[dimensions]
        way = draw(st.sampled_from(ways))
        layer = SpatiallySeparable(
            split(), split(), middle=split(), groups=groups, directions=way, **window, **pair, **rest
        )
    elif kind is InvertedResidual:
        layer = InvertedResidual(draw(few), draw(few), draw(few), squeezed=draw(st.integers(0, 3)), **window, **rest)
    elif kind is SqueezeExcite:
        layer = SqueezeExcite(draw(few), draw(few), **rest)
    elif kind is DepthwiseTransposed:
        layer = DepthwiseTransposed(draw(few), multiplier=many, **window, **own, **rest)
    elif kind is SeparableTransposed:
        layer = SeparableTransposed(split(), split(), groups=groups, multiplier=many, **window, **pair, **rest)
    else:
        rates = tuple(draw(st.integers(1, 8)) for _ in range(many))
        layer = SeparableASPP(draw(few), draw(few), rates, kernel=window["kernel"], middle=draw(few), **rest)
    return layer.eval(), size


def channels_in(layer: Layer) -> int:
    """Of what it reads: its first convolution's."""
    for module in layer.modules():
        found = getattr(module, "in_channels", None)
        if isinstance(found, int):
            return found
    raise ValueError(f"{layer.name} has no convolution")
