"""The layers of `models.layers` with all that formats differ in: borders, strides, cuts, in 1-D, 2-D and 3-D."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

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

__all__ = ["CASES", "CHANNELS", "NO_TFLITE", "SIZES"]

CHANNELS = 8
SIZES = {1: (19,), 2: (10, 9), 3: (6, 7, 8)}

_BORDERS = ("zeros", "reflect", "replicate", "circular")


def _cases() -> Iterator[tuple[str, int, Callable[[], Layer]]]:
    def case(name: str, kind: type[Layer], *arguments: Any, **options: Any) -> tuple[str, int, Callable[[], Layer]]:
        dimensions = options["dimensions"]
        return f"{name}, {dimensions}-D", dimensions, lambda: kind(*arguments, **options)

    c = CHANNELS
    for d in (1, 2, 3):
        rest: dict[str, Any] = {"dimensions": d}
        yield case("standard", ConvNorm, c, 6, **rest)
        yield case("standard, stride 2", ConvNorm, c, 6, 3, 2, **rest)
        yield case("grouped", ConvNorm, c, 6, groups=2, **rest)
        for border in _BORDERS:
            yield case(f"depthwise, {border}", Depthwise, c, padding_mode=border, **rest)
        yield case("depthwise, same, stride 2", Depthwise, c, 3, 2, padding="same", **rest)
        yield case("depthwise, multiplier 2", Depthwise, c, 3, 2, multiplier=2, **rest)
        yield case("depthwise, dilated", Depthwise, c, dilation=2, **rest)
        yield case("pointwise", Pointwise, c, 6, **rest)
        yield case("depthwise separable", DepthwiseSeparable, c, 6, **rest)
        yield case("inverted residual", InvertedResidual, c, c, 16, **rest)
        yield case("squeeze-excite", SqueezeExcite, c, 4, **rest)
        for padding in ("centred", "same", "valid"):
            yield case(f"depthwise transposed, {padding}", DepthwiseTransposed, c, padding=padding, **rest)
        yield case("separable transposed", SeparableTransposed, c, 6, **rest)
        yield case("separable transposed, dilated", SeparableTransposed, c, 6, dilation=2, **rest)
        yield case("separable ASPP", SeparableASPP, c, 6, (1, 2), **rest)
        if d > 1:
            yield case("spatially separable", SpatiallySeparable, c, 6, **rest)
            yield case("spatially separable, depthwise", SpatiallySeparable, c, c, groups=c, **rest)


CASES: dict[str, tuple[int, Callable[[], Layer]]] = {name: (d, make) for name, d, make in _cases()}
"""Name → (dimensions, makes the layer)."""

NO_TFLITE = frozenset(
    f"{name}, 3-D"
    for name in (
        "grouped",
        *(f"depthwise, {border}" for border in _BORDERS),
        "depthwise, same, stride 2",
        "depthwise, multiplier 2",
        "depthwise, dilated",
        "depthwise separable",
        "inverted residual",
        *(f"depthwise transposed, {padding}" for padding in ("centred", "same", "valid")),
        "separable transposed",
        "separable transposed, dilated",
        "separable ASPP",
    )
)
"""A depthwise, grouped or transposed convolution over a volume: TFLite has no operator for it."""
