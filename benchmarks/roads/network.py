"""The network that every road starts from: the zoo's EfficientNet-Lite0 with its real weights, in torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

__all__ = ["INPUT_SHAPE", "NETWORK", "build_network"]

NETWORK = "efficientnet-lite0"
INPUT_SHAPE = (1, 3, 224, 224)
"""[N, C, H, W], float32, prepared as the zoo says: (RGB − 127) / 128."""


def build_network() -> nn.Module:
    """The module in evaluation mode. Its file is pure torch, so it loads in each peer's environment alike."""
    from sepia.models.efficientnet_lite import efficientnet_lite0

    return efficientnet_lite0()
