"""The layers' facts as rows, for the reference: what each is, costs and cannot do, and one step by each of them."""

from __future__ import annotations

from collections.abc import Mapping

from .convolution import ConvNorm
from .depthwise import Depthwise
from .facts import SYMBOLS
from .inverted_residual import InvertedResidual
from .layer import Layer
from .pointwise import Pointwise
from .separable import DepthwiseSeparable
from .separable_aspp import SeparableASPP
from .spatially_separable import SpatiallySeparable
from .squeeze_excite import SqueezeExcite
from .transposed import DepthwiseTransposed, SeparableTransposed

__all__ = ["LAYERS", "cost_table", "layer_table", "limit_table", "symbol_table"]

LAYERS: Mapping[type[Layer], str] = {
    ConvNorm: "1-D, 2-D, 3-D",
    Depthwise: "1-D, 2-D, 3-D",
    Pointwise: "1-D, 2-D, 3-D",
    DepthwiseSeparable: "1-D, 2-D, 3-D",
    SpatiallySeparable: "2-D, 3-D",
    InvertedResidual: "1-D, 2-D, 3-D",
    SqueezeExcite: "1-D, 2-D, 3-D",
    DepthwiseTransposed: "1-D, 2-D, 3-D",
    SeparableTransposed: "1-D, 2-D, 3-D",
    SeparableASPP: "1-D, 2-D, 3-D",
}
"""Every layer, with the dimensions it exists in."""


def layer_table() -> list[dict[str, str]]:
    """A row a layer: its name, where it exists, its formulas."""
    return [
        {
            "layer": f"`{layer.__name__}`",
            "dimensions": dimensions,
            "parameters": layer.facts.parameters,
            "MACs": layer.facts.macs,
        }
        for layer, dimensions in LAYERS.items()
    ]


def limit_table() -> list[dict[str, str]]:
    """A row a layer: what it cannot express, and where it comes from."""
    return [
        {"layer": f"`{layer.__name__}`", "cannot express": layer.facts.cannot, "source": layer.facts.source}
        for layer in LAYERS
    ]


def symbol_table() -> list[dict[str, str]]:
    """A row a symbol of the formulas."""
    return [{"symbol": symbol, "means": meaning} for symbol, meaning in SYMBOLS.items()]


def cost_table() -> list[dict[str, str]]:
    """The same step made by several layers: 128 channels to 128, kernel 3, no normalisation; beside the standard."""
    planes, size = 128, (28, 28)
    volume, clip = 64, (8, 28, 28)
    steps: list[tuple[str, Layer, tuple[int, ...], Layer]] = []
    flat = ConvNorm(planes, planes, norm=False)
    steps += [
        (f"`{name}`", layer, size, flat)
        for name, layer in (
            (f"ConvNorm({planes}, {planes})", flat),
            (f"Depthwise({planes})", Depthwise(planes, norm=False)),
            (f"Pointwise({planes}, {planes})", Pointwise(planes, planes, norm=False)),
            (
                f"DepthwiseSeparable({planes}, {planes})",
                DepthwiseSeparable(planes, planes, between=(), after=()),
            ),
            (
                f"DepthwiseSeparable({planes}, {planes}, groups=4)",
                DepthwiseSeparable(planes, planes, groups=4, between=(), after=()),
            ),
            (
                f"SpatiallySeparable({planes}, {planes})",
                SpatiallySeparable(planes, planes, between=(), after=()),
            ),
            (
                f"SpatiallySeparable({planes}, {planes}, groups={planes})",
                SpatiallySeparable(planes, planes, groups=planes, between=(), after=()),
            ),
        )
    ]
    solid = ConvNorm(volume, volume, norm=False, dimensions=3)
    steps += [
        (f"`{name}`", layer, clip, solid)
        for name, layer in (
            (f"ConvNorm({volume}, {volume}, dimensions=3)", solid),
            (
                f"DepthwiseSeparable({volume}, {volume}, dimensions=3)",
                DepthwiseSeparable(volume, volume, between=(), after=(), dimensions=3),
            ),
            (
                f"SpatiallySeparable({volume}, {volume}, dimensions=3)",
                SpatiallySeparable(volume, volume, between=(), after=(), dimensions=3),
            ),
            (
                f"SpatiallySeparable({volume}, {volume}, directions=((0,), (1,), (2,)), dimensions=3)",
                SpatiallySeparable(volume, volume, directions=((0,), (1,), (2,)), between=(), after=(), dimensions=3),
            ),
        )
    ]
    rows = []
    for name, layer, shape, standard in steps:
        cost, whole = layer.cost(shape), standard.cost(shape)
        rows.append(
            {
                "layer": name,
                "input": "×".join(map(str, shape)),
                "parameters": f"{cost.parameters:,}",
                "MACs": f"{cost.macs:,}",
                "of the standard layer's": f"{100 * cost.macs / whole.macs:.1f} %",
            }
        )
    return rows
