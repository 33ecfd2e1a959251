"""What may stand in the place of a layer and what that would cost, by arithmetic alone: no weights, no data, no error.

One rank a technique is told, the one that a designer would begin with: one pair of depthwise and pointwise layers; as
many maps between k×1 and 1×k as the narrower side has channels; a quarter of them between two 1×1 layers, as in a
ResNet's bottleneck. Which layers a technique takes, which ranks there are and what they cost say the techniques.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from . import depthwise_pointwise, low_rank_pointwise, pointwise_depthwise, spatial
from .convolution import Convolution
from .techniques import TECHNIQUES, Technique, ranks

__all__ = ["Possibility", "possibilities", "why_none"]


@dataclass(frozen=True)
class Possibility:
    """One technique at one rank.

    exact_rank: what the layer can always be made of. saves_to_rank: the greatest rank of fewer MACs than the layer.
    params: with the bias, if the layer has one. formula: the textbook's ratio to the layer as it is, of weights, and of
    MACs where stride and edges are left out, in this layer's numbers: "1/64 + 1/9" for 1/N + 1/k².
    """

    technique: str
    rank: int
    exact_rank: int
    saves_to_rank: int
    params: int
    macs: int
    formula: str
    formula_ratio: float


@dataclass(frozen=True)
class _Usual:
    """terms: the formula's, each a numerator and the factors of its denominator."""

    rank: Callable[[Convolution], int]
    terms: Callable[[Convolution, int], tuple[tuple[int, tuple[int, ...]], ...]]


def _narrower(convolution: Convolution) -> int:
    return min(convolution.channels_in, convolution.channels_out)


_USUAL = {
    depthwise_pointwise.NAME: _Usual(
        lambda _: 1, lambda layer, rank: ((rank, (layer.channels_out,)), (rank, (layer.taps,)))
    ),
    pointwise_depthwise.NAME: _Usual(
        lambda _: 1, lambda layer, rank: ((rank, (layer.taps,)), (rank, (layer.channels_in,)))
    ),
    spatial.NAME: _Usual(
        _narrower,
        lambda layer, rank: tuple(
            (rank, (channels, layer.taps // taps))
            for channels, taps in zip((layer.channels_out, layer.channels_in), spatial.taps(layer), strict=True)
        ),
    ),
    low_rank_pointwise.NAME: _Usual(
        lambda layer: max(1, _narrower(layer) // 4),
        lambda layer, rank: ((rank, (layer.channels_out,)), (rank, (layer.channels_in,))),
    ),
}


def possibilities(convolution: Convolution, kind: str) -> tuple[Possibility, ...]:
    """Those that save MACs, the least MACs first. kind: as `graph.kinds` names it."""
    found = [
        _possibility(technique, convolution)
        for technique in TECHNIQUES
        if kind in technique.kinds and ranks(technique, convolution)
    ]
    return tuple(sorted(found, key=lambda one: one.macs))


def why_none(convolution: Convolution, kind: str) -> str:
    """Why `possibilities` has nothing for a layer."""
    taking = [technique for technique in TECHNIQUES if kind in technique.kinds]
    if kind in ("depthwise", "spatially separable"):
        return f"{kind} already"
    if not taking:
        return f"{kind}: no technique takes it"
    if not any(technique.most(convolution) for technique in taking):
        return f"{kind} with one channel on either side: a depthwise layer makes nothing of it"
    least = min(
        technique.macs(convolution, 1) / convolution.macs for technique in taking if technique.most(convolution)
    )
    return f"{kind}, but the least rank takes {least:.0%} of its MACs: too few channels"


def _possibility(technique: Technique, convolution: Convolution) -> Possibility:
    usual = _USUAL[technique.name]
    each, most = technique.macs(convolution, 1), technique.most(convolution)
    saves_to = min(most, (convolution.macs - 1) // each)
    # A stride or narrow sides may leave the usual rank without a gain: then the greatest that is worth a look.
    wanted = min(usual.rank(convolution), most)
    rank = wanted if wanted <= saves_to else ranks(technique, convolution)[-1]
    bias = 0 if convolution.bias is None else convolution.bias.size
    terms = usual.terms(convolution, rank)
    return Possibility(
        technique.name,
        rank,
        most,
        saves_to,
        technique.params(convolution, rank) + bias,
        technique.macs(convolution, rank),
        " + ".join(f"{top}/{_product(below)}" for top, below in terms),
        sum(top / prod(below) for top, below in terms),
    )


def _product(factors: tuple[int, ...]) -> str:
    return str(factors[0]) if len(factors) == 1 else f"({'·'.join(map(str, factors))})"
