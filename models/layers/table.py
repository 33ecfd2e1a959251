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

LAYERS: Mapping[type[Layer], tuple[int, ...]] = {
    ConvNorm: (1, 2, 3),
    Depthwise: (1, 2, 3),
    Pointwise: (1, 2, 3),
    DepthwiseSeparable: (1, 2, 3),
    SpatiallySeparable: (2, 3),
    InvertedResidual: (1, 2, 3),
    SqueezeExcite: (1, 2, 3),
    DepthwiseTransposed: (1, 2, 3),
    SeparableTransposed: (1, 2, 3),
    SeparableASPP: (1, 2, 3),
}
"""Every layer, with the dimensions it exists in."""


def layer_table() -> list[dict[str, str]]:
    """A row a layer: its name, where it exists, its formulas."""
    return [
        {
            "layer": f"`{layer.__name__}`",
            "dimensions": ", ".join(map(str, dimensions)),
            "parameters": f"`{layer.facts.parameters}`",
            "MACs": f"`{layer.facts.macs}`",
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
    return [{"symbol": f"`{symbol}`", "means": meaning} for symbol, meaning in SYMBOLS.items()]


def cost_table() -> list[dict[str, str]]:
    """One step by several layers, each beside the standard one: kernel 3, stride 1, no normalisation.

    In 2-D 128 channels to 128 at 28×28, in 3-D 64 to 64 at 8×28×28.
    """
    return [*_plane(), *_clip()]


def _plane() -> list[dict[str, str]]:
    channels = 128
    layers: dict[str, Layer] = {
        "ConvNorm": ConvNorm(channels, channels, norm=False),
        "Depthwise": Depthwise(channels, norm=False),
        "Pointwise": Pointwise(channels, channels, norm=False),
        "DepthwiseSeparable": DepthwiseSeparable(channels, channels, between=(), after=()),
        "DepthwiseSeparable, groups=4": DepthwiseSeparable(channels, channels, groups=4, between=(), after=()),
        "SpatiallySeparable": SpatiallySeparable(channels, channels, between=(), after=()),
        "SpatiallySeparable, depthwise": SpatiallySeparable(channels, channels, groups=channels, between=(), after=()),
    }
    return _costs(layers, (28, 28))


def _clip() -> list[dict[str, str]]:
    channels, each = 64, ((0,), (1,), (2,))
    layers: dict[str, Layer] = {
        "ConvNorm": ConvNorm(channels, channels, norm=False, dimensions=3),
        "DepthwiseSeparable": DepthwiseSeparable(channels, channels, between=(), after=(), dimensions=3),
        "SpatiallySeparable": SpatiallySeparable(channels, channels, between=(), after=(), dimensions=3),
        "SpatiallySeparable, each direction": SpatiallySeparable(
            channels, channels, directions=each, between=(), after=(), dimensions=3
        ),
    }
    return _costs(layers, (8, 28, 28))


def _costs(layers: Mapping[str, Layer], size: tuple[int, ...]) -> list[dict[str, str]]:
    """A row a layer; the first is the standard one."""
    found = {name: layer.cost(size) for name, layer in layers.items()}
    standard = next(iter(found.values()))
    return [
        {
            "layer": name,
            "input": "×".join(map(str, size)),
            "parameters": f"{cost.parameters:,}",
            "MACs": f"{cost.macs:,}",
            "of the standard layer's": f"{100 * cost.macs / standard.macs:.1f} %",
        }
        for name, cost in found.items()
    ]
