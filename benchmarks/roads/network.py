"""The network that every road starts from: the zoo's EfficientNet-Lite0 with its real weights, in torch."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

__all__ = ["INPUT_SHAPE", "NETWORK", "build_network"]

NETWORK = "efficientnet-lite0"
INPUT_SHAPE = (1, 3, 224, 224)
"""[N, C, H, W], float32, prepared as the zoo says: (RGB − 127) / 128."""

REPOSITORY = Path(__file__).resolve().parents[2]


def build_network(name: str = NETWORK) -> nn.Module:
    """For the peers: the module in evaluation mode, Lite0 or MobileNetV3-small (HardSwish, squeeze-excite).

    Its file needs torch alone. The front doors of its rooms would load more, at the peers' expense, so they are passed
    by: the packages are made here with no more than their place on the disk.
    """
    for room, place in {"sepia": REPOSITORY, "sepia.models": REPOSITORY / "models"}.items():
        package = sys.modules[room] = ModuleType(room)
        package.__path__ = [str(place)]
    if name == "mobilenet-v3-small":
        from sepia.models.layers import seeded
        from sepia.models.networks.mobilenet_v3 import mobilenet_v3_small

        return seeded(mobilenet_v3_small)
    from sepia.models.networks.efficientnet_lite import efficientnet_lite0

    return efficientnet_lite0()
