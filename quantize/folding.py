"""What folding the batch normalisations did to the weights: channels that it made so large that they spoil the others.

Folding divides a channel by the standard deviation that it had in training. One that was nearly constant then has next
to none, and its weights come out hundreds of times as large as those beside it. Scales per channel hold such weights;
but the tensor that the layer puts out has one scale, as coarse as that channel wants it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .layer import Layer

__all__ = ["exploded_channels", "folding_notes"]

_EXPLODED = 100.0
"""Times the median of the layer's channels. In EfficientNet-Lite0 no channel reaches a fifth of it."""


def exploded_channels(layer: Layer) -> dict[int, float]:
    """Channel → how many times the median channel's max |w| its own is, where that is more than 100."""
    largest = np.abs(layer.weight).reshape(layer.channels_out, -1).max(axis=1).astype(np.float64)
    alive = largest[largest > 0.0]
    if alive.size < 3:
        return {}
    times = largest / np.median(alive)
    return {int(channel): float(times[channel]) for channel in np.flatnonzero(times > _EXPLODED)}


def folding_notes(layers: Sequence[Layer]) -> tuple[str, ...]:
    """One line a layer that has such channels, the worst first in it."""
    notes = []
    for layer in layers:
        worst = sorted(exploded_channels(layer).items(), key=lambda row: -row[1])
        if worst:
            channel, times = worst[0]
            others = f" and {len(worst) - 1} more" if len(worst) > 1 else ""
            notes.append(
                f"'{layer.name}': the weights of channel {channel}{others} are {times:.0f} times the others' size "
                "(a batch normalisation of next to no variance?), and all channels of its output share a grid as "
                "coarse as that one needs; equalize = true may even it out"
            )
    return tuple(notes)
