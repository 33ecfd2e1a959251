"""What a recipe asks to be done to the float network before it is quantised."""

from __future__ import annotations

import onnx_ir as ir

from ..calibration.calibrate import Samples
from ..calibration.channel_statistics import ChannelStatistics, channel_statistics
from ..recipes import Recipe
from .absorb_bias import absorb_bias
from .cross_layer import equalize
from .factors import Ends
from .residual_stream import even_streams
from .spare_channels import find_spares, spare_channels
from .streams import find_streams

__all__ = ["prepare"]

_MARGIN = 2.0
"""How much further from its mean than in calibration a channel is taken to go."""


def prepare(model: ir.Model, recipe: Recipe, data: Samples, *, where: str) -> ir.Model:
    """The canonical float `model` itself, or a copy that computes the same and is easier to quantise.

    Each technique is given statistics of the network as the one before left it, so each needs a pass over `data`.
    Raises QuantizeError if a sample does not fit.
    """

    def watched() -> dict[str, ChannelStatistics]:
        names = dict.fromkeys(name for stream in find_streams(model) for name in stream.values)
        return channel_statistics(model, list(names), data, where=where)

    if recipe.equalize:
        model = equalize(model, _ends(watched(), _MARGIN))
    if recipe.even_streams:
        model = even_streams(model, _ends(watched(), 1.0))
    if recipe.absorb_bias:
        model = absorb_bias(model, watched(), margin=_MARGIN, seen_alone=True)
    if recipe.spare_channels and (spares := find_spares(model)):
        names = list(dict.fromkeys(name for spare in spares for name in (spare.source, spare.value)))
        model = spare_channels(model, channel_statistics(model, names, data, where=where))
    return model


def _ends(seen: dict[str, ChannelStatistics], margin: float) -> Ends:
    return {name: one.reach(margin) for name, one in seen.items()}
